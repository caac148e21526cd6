/** `millrace chaos`: the drill with a stack of its own, what it says meanwhile, and its report. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePortBase } from '../../infra/local/index.ts'
import { git } from '../git.ts'
import { runDrill, type DrillEvent, type DrillResult } from './drill.ts'
import type { FaultKind } from './plan.ts'

export interface ChaosOptions {
  readonly minutes: number
  /** Default: from the commit, so that nobody picks it. */
  readonly seed?: number | undefined
  readonly kinds?: readonly FaultKind[] | undefined
  /** Default: some free ones. */
  readonly portBase?: number | undefined
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

interface Recovery {
  readonly p50: number
  readonly max: number
}

/** What scripts may rely on; fields may be added. */
export interface ChaosReport {
  readonly seed: number
  readonly minutes: number
  /** That came about as planned and were recovered from. */
  readonly faults: number
  readonly byKind: Readonly<Record<string, number>>
  readonly inputs: number
  readonly outputs: number
  readonly lost: number
  readonly duplicated: number
  readonly wrong: number
  readonly poison: number
  readonly deadLetters: number
  readonly sink: { readonly rows: number; readonly expected: number }
  readonly recoveries_ms: Recovery
  readonly recoveries_ms_by_kind: Readonly<Record<string, Recovery>>
  readonly problems: readonly string[]
  readonly commit: string
  readonly ok: boolean
}

/** Digits of the hash that make a seed. */
const SEED_DIGITS = 8

/** Empty outside of a checkout. */
export const commitHash = (): string => git('rev-parse', 'HEAD') ?? ''

/** The n-th seed of a commit. */
export const seedOf = (commit: string, n = 0): number =>
  Number.parseInt(commit.slice(n * SEED_DIGITS, (n + 1) * SEED_DIGITS), 16) || 0

export const runChaos = async (options: ChaosOptions): Promise<ChaosReport> => {
  const { minutes, kinds, onLine, signal } = options
  const commit = commitHash()
  const seed = options.seed ?? seedOf(commit)
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
  const portBase = options.portBase ?? (await freePortBase())
  onLine(`seed ${seed}, ${minutes} min; data and logs in ${dataDir}`)
  const startedAtMs = performance.now()
  const onEvent = (event: DrillEvent): void => {
    onLine(`${clock(performance.now() - startedAtMs)}  ${lineOf(event)}`)
  }
  const result = await runDrill({ seed, minutes, kinds, dataDir, portBase, signal, onEvent })
  const report = reportOf(result, { seed, minutes, commit })
  for (const line of summaryOf(report)) onLine(line)
  if (report.ok) rmSync(dataDir, { recursive: true, force: true })
  else onLine(`Logs of all processes are in ${join(dataDir, 'logs')}. ${wayBack(options, report)}`)
  return report
}

const wayBack = ({ kinds }: ChaosOptions, { seed, minutes }: ChaosReport): string => {
  const faults = kinds === undefined ? '' : ` --faults ${kinds.join(',')}`
  return `To repeat: millrace chaos --seed ${seed} --minutes ${minutes}${faults}`
}

const reportOf = (
  { recoveries, problems, ...result }: DrillResult,
  run: { readonly seed: number; readonly minutes: number; readonly commit: string },
): ChaosReport => {
  const kinds = Map.groupBy(recoveries, ({ kind }) => kind)
  const timesOf = (some: DrillResult['recoveries']): Recovery => {
    const sorted = some.map(({ ms }) => ms).sort((a, b) => a - b)
    return { p50: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 }
  }
  return {
    ...run,
    ...result,
    faults: recoveries.length,
    byKind: Object.fromEntries([...kinds].map(([kind, some]) => [kind, some.length])),
    recoveries_ms: timesOf(recoveries),
    recoveries_ms_by_kind: Object.fromEntries(
      [...kinds].map(([kind, some]) => [kind, timesOf(some)]),
    ),
    problems,
    ok: problems.length === 0,
  }
}

const lineOf = (event: DrillEvent): string => {
  switch (event.kind) {
    case 'phase':
      return event.text
    case 'problem':
      return `PROBLEM  ${event.text}`
    case 'fault': {
      const { fault, seen, recoveryMs } = event
      const seconds = (recoveryMs / 1_000).toFixed(1)
      return `#${fault.number} ${fault.kind}: ${seen}; back after ${seconds} s`
    }
  }
}

const summaryOf = (report: ChaosReport): string[] => {
  const { inputs, outputs, lost, duplicated, wrong, poison, deadLetters, sink } = report
  const { p50, max } = report.recoveries_ms
  const kinds = Object.entries(report.byKind).map(([kind, count]) => `${count} ${kind}`)
  return [
    '',
    `${report.faults} faults (${kinds.join(', ')})`,
    `${inputs} records in, ${outputs} out: ${lost} lost, ${duplicated} twice, ${wrong} wrong`,
    `${poison} poison records, ${deadLetters} dead letters; ${sink.rows} rows in ClickHouse of ${sink.expected}`,
    `back after ${(p50 / 1_000).toFixed(1)} s in the middle, ${(max / 1_000).toFixed(1)} s at most`,
    report.ok
      ? 'Exactly once: yes.'
      : `Exactly once: NO (${report.problems.length} problems, above).`,
  ]
}

const clock = (ms: number): string => {
  const seconds = Math.floor(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

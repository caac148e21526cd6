/**
 * Everything that must hold before a change is shipped: `npm run verify`, and the body of `npm test`.
 *
 *   node ops/verify.ts [--full] [--only format,lint,...] [FILTER...]
 *
 * Filters are passed to the tests, and without --only nothing else runs then.
 * Static checks run two at a time and are quiet unless they fail; tests run after them, one project
 * at a time, with their own output. Every step has a time limit, so that a hanging one fails instead
 * of holding a build. A failed step does not hide the others; the exit code is 1.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const minutes = (count: number): number => count * 60_000

interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly limitMs: number
}

interface Outcome {
  readonly step: Step
  readonly ok: boolean
  readonly seconds: number
  readonly output: string
}

const check = (name: string, ...command: [string, ...string[]]): Step => ({
  name,
  command,
  limitMs: minutes(5),
})
const tests = (project: string, limitMs: number): Step => ({
  name: project,
  command: ['vitest', 'run', '--project', project, '--passWithNoTests'],
  limitMs,
})

const CHECKS: readonly Step[] = [
  check('lint', 'eslint', '.', '--max-warnings', '0'),
  check('types', 'tsc', '--noEmit'),
  check('page-types', 'tsc', '--noEmit', '--project', 'services/api/page'),
  check('format', 'prettier', '--check', '--log-level', 'warn', '.'),
  check(
    'boundaries',
    'depcruise',
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'err',
    '.',
  ),
  check('dead-code', 'knip', '--no-progress'),
  check('schemas', 'node', 'schemas/generate.ts', '--check'),
]
const TESTS: readonly Step[] = [tests('unit', minutes(5)), tests('integration', minutes(25))]
const DRILLS: readonly Step[] = [tests('full', minutes(120))]

const PARALLEL_CHECKS = 2
/** Tests stop their servers in order before they end. */
const KILL_AFTER_MS = 60_000

const children = new Set<ChildProcess>()
let interrupted: string | undefined

const startStep = (step: Step, stdio: 'pipe' | 'inherit'): ChildProcess => {
  const [program, ...args] = step.command
  const child = spawn(program, args, {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
    },
    stdio: ['ignore', stdio, stdio],
  })
  children.add(child)
  return child
}

const runStep = async (step: Step, stdio: 'pipe' | 'inherit'): Promise<Outcome> => {
  const startedMs = performance.now()
  const child = startStep(step, stdio)
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const limit = setTimeout(() => {
    output += `\n${step.name} took longer than ${step.limitMs / 1000} s and was ended.\n`
    child.kill('SIGTERM')
  }, step.limitMs)
  const kill = setTimeout(() => child.kill('SIGKILL'), step.limitMs + KILL_AFTER_MS)
  let code: unknown
  try {
    ;[code] = (await once(child, 'close')) as unknown[]
  } catch (error) {
    output += `${step.command.join(' ')}: ${String(error)}; run \`npm run setup\`.\n`
  }
  clearTimeout(limit)
  clearTimeout(kill)
  children.delete(child)
  const seconds = (performance.now() - startedMs) / 1000
  return { step, ok: code === 0, seconds, output }
}

const report = ({ step, ok, seconds, output }: Outcome): void => {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(12)} ${seconds.toFixed(1)} s`)
  if (!ok && output !== '') console.log(`\n${output.trim()}\n`)
}

const runChecks = async (steps: readonly Step[]): Promise<Outcome[]> => {
  const waiting = [...steps]
  const outcomes: Outcome[] = []
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step && !interrupted; step = waiting.shift()) {
      const outcome = await runStep(step, 'pipe')
      report(outcome)
      outcomes.push(outcome)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_CHECKS }, worker))
  return outcomes
}

const runTests = async (steps: readonly Step[]): Promise<Outcome[]> => {
  const outcomes: Outcome[] = []
  for (const step of steps) {
    if (interrupted) break
    const outcome = await runStep(step, 'inherit')
    report(outcome)
    outcomes.push(outcome)
  }
  return outcomes
}

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { full: { type: 'boolean', default: false }, only: { type: 'string' } },
    allowPositionals: true,
  })
  const names = values.only?.split(',')
  const known = [...CHECKS, ...TESTS, ...DRILLS].map((step) => step.name)
  const unknown = names?.filter((name) => !known.includes(name)) ?? []
  if (unknown.length > 0) {
    console.error(`Unknown step ${unknown.join(', ')}; there are ${known.join(', ')}.`)
    return 2
  }
  const byDefault = positionals.length > 0 ? TESTS : [...CHECKS, ...TESTS]
  const wanted = names ?? [...byDefault, ...(values.full ? DRILLS : [])].map((step) => step.name)
  const chosen = (step: Step): boolean => wanted.includes(step.name)
  const filtered = (step: Step): Step => ({ ...step, command: [...step.command, ...positionals] })

  const startedMs = performance.now()
  const outcomes = [
    ...(await runChecks(CHECKS.filter(chosen))),
    ...(await runTests([...TESTS, ...DRILLS].filter(chosen).map(filtered))),
  ]
  const failed = outcomes.filter((outcome) => !outcome.ok).map((outcome) => outcome.step.name)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
  if (interrupted) console.log(`\nInterrupted by ${interrupted} after ${seconds} s.`)
  else if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')} (${seconds} s).`)
  else console.log(`\nAll ${outcomes.length} steps passed in ${seconds} s.`)
  return interrupted || failed.length > 0 ? 1 : 0
}

const interrupt = (by: string, signal: NodeJS.Signals): void => {
  interrupted ??= by
  for (const child of children) child.kill(signal)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupt(signal, signal)
  })
}
process.on('disconnect', () => {
  interrupt('the end of the parent process', 'SIGTERM')
})
process.exit(await main())

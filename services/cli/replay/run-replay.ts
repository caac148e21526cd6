import process from 'node:process'
import { inputFiles } from '../../replay/input-files.ts'
import { replayNames } from '../../replay/replay-name.ts'
import { replayFiles, type ReplayResult } from '../../replay/replay-files.ts'
import type { ReplaySignal } from '../../replay/signal.ts'
import { withReplayServers } from '../../replay/servers.ts'
import { parseSpeed } from '../../replay/speed.ts'
import { readConfig } from '../../shared/config.ts'
import { EXIT } from '../../shared/errors.ts'
import { setExitCode } from '../exit-code.ts'
import { progressView } from './progress.ts'

export interface ReplayOptions {
  readonly speed: string
  readonly tenant?: string
  readonly name?: string
  readonly json?: boolean
}

const now = (): number => Date.now()

export const runReplay = async <Value, Read>(
  signal: ReplaySignal<Value, Read>,
  paths: readonly string[],
  { speed, name, tenant, json = false }: ReplayOptions,
): Promise<void> => {
  const startedMs = now()
  const names = replayNames({ name, tenant, nowMs: startedMs })
  const options = {
    files: inputFiles(paths, signal.endings),
    read: signal.reader({ tenant: names.tenant, latestMs: startedMs }),
    speed: parseSpeed(speed),
    ...names,
    now,
  }
  const config = readConfig()
  const interrupted = new AbortController()
  const interrupt = (): void => {
    interrupted.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const view = progressView(process.stderr)
  try {
    const result = await withReplayServers(config, signal, (servers) =>
      replayFiles({ ...options, signal: interrupted.signal, onProgress: view.show }, servers),
    )
    view.stop()
    const seconds = (now() - startedMs) / 1000
    if (json) process.stdout.write(`${JSON.stringify({ ...result, seconds })}\n`)
    else process.stderr.write(textOf(result, seconds))
    if (result.published === 0 || !result.complete) setExitCode(EXIT.negative)
  } finally {
    view.stop()
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

const SHOWN_ON_TERMINAL = 10

const ticksText = (ticks: number): string => (ticks === 1 ? '1 tick' : `${String(ticks)} ticks`)

const textOf = (result: ReplayResult, seconds: number): string => {
  const { published, read, skipped, skippedCount, tenant, firstTimestamp, lastTimestamp } = result
  const reasons = skipped
    .slice(0, SHOWN_ON_TERMINAL)
    .map(({ file, line, reason }) => `  ${file}:${String(line)} ${reason}`)
  const more = skippedCount - reasons.length
  return `${[
    ...(result.complete ? [] : ['Interrupted.']),
    `Published ${String(published)} of ${String(read)} rows to tenant ${tenant} in ${seconds.toFixed(1)} s.`,
    ...(firstTimestamp === null || lastTimestamp === null
      ? []
      : [`Event time ${firstTimestamp} to ${lastTimestamp}, ${ticksText(result.ticks)}.`]),
    ...(skippedCount === 0 ? [] : [`Skipped ${String(skippedCount)} rows:`, ...reasons]),
    ...(more > 0 ? [`  and ${String(more)} more`] : []),
  ].join('\n')}\n`
}

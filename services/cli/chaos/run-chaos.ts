/** `millrace chaos`: options in, lines and a report out. The work is in ops/chaos. */
import process from 'node:process'
import { runChaos } from '../../../ops/chaos/chaos.ts'
import { FAULT_KINDS, type FaultKind } from '../../../ops/chaos/plan.ts'
import { EXIT, usageError } from '../../shared/errors.ts'
import type { ChaosCommandOptions } from '../commands/chaos.ts'
import { setExitCode } from '../exit-code.ts'

export const runChaosCommand = async (options: ChaosCommandOptions): Promise<void> => {
  const { minutes, seed, portBase, json = false } = options
  const kinds = options.faults?.map(kindNamed)
  const interrupted = new AbortController()
  const stop = (): void => interrupted.abort(new Error('The drill was interrupted.'))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const report = await runChaos({
    minutes,
    seed,
    kinds,
    portBase,
    signal: interrupted.signal,
    onLine: (line) => (json ? process.stderr : process.stdout).write(`${line}\n`),
  })
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
  if (!report.ok) setExitCode(EXIT.negative)
}

const kindNamed = (name: string): FaultKind => {
  const kind = FAULT_KINDS.find((known) => known === name)
  if (kind !== undefined) return kind
  throw usageError(`There is no fault '${name}'; there are: ${FAULT_KINDS.join(', ')}.`)
}

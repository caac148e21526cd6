import process from 'node:process'
import { DEFAULT_APPLICATION_ID } from '../../../pipelines/runtime/index.ts'
import { redrive, type RedriveResult } from '../../dead-letters/redrive.ts'
import { placesIn } from '../../dead-letters/selection.ts'
import { EXIT } from '../../shared/errors.ts'
import { setExitCode } from '../exit-code.ts'
import { assertHoldsLetters, withDlqSession } from './session.ts'

export interface DlqRedriveOptions {
  readonly topic: string
  readonly reason?: string
  readonly offset?: readonly string[]
  readonly dryRun?: boolean
  readonly json?: boolean
}

export const runDlqRedrive = async (options: DlqRedriveOptions): Promise<void> => {
  const { topic, reason, dryRun = false, json = false } = options
  assertHoldsLetters(topic)
  const selection = { reason, places: placesIn(options.offset) }
  await withDlqSession(async ({ cluster, admin }) => {
    // One for all applications of a cluster: marks are shared, too.
    const application = DEFAULT_APPLICATION_ID
    const result = await redrive({ cluster, admin, topic, selection, dryRun, application })
    if (json) process.stdout.write(`${JSON.stringify({ topic, dryRun, ...result })}\n`)
    else process.stderr.write(textOf(result, dryRun))
    const found = result.redriven + result.alreadyRedriven + result.skippedCount
    // Somebody asked for letters that are not there.
    if (selection.places !== undefined && found < selection.places.size) setExitCode(EXIT.negative)
    if (result.skippedCount > 0) setExitCode(EXIT.negative)
  })
}

const textOf = (result: RedriveResult, dryRun: boolean): string => {
  const { redriven, alreadyRedriven, byOrigin, skipped, skippedCount } = result
  const origins = Object.entries(byOrigin).map(([topic, count]) => `${topic} ${String(count)}`)
  const lines = [
    `${String(redriven)} letters ${dryRun ? 'would be sent' : 'sent'} again${redriven === 0 ? '' : ` (${origins.join(', ')})`}, ${String(alreadyRedriven)} had been before`,
    ...skipped.map(
      ({ partition, offset, reason }) =>
        `not sent: ${String(partition)}:${String(offset)}, ${reason}`,
    ),
    ...(skippedCount > skipped.length ? [`${String(skippedCount)} not sent in all`] : []),
  ]
  return `${lines.join('\n')}\n`
}

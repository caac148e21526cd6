import process from 'node:process'
import { scanTopic } from '../../dead-letters/scan.ts'
import { DeadLetterSummary, type ReasonSummary } from '../../dead-letters/summary.ts'
import { holdsForeignBytes } from '../../records/record-line.ts'
import { withDlqSession } from './session.ts'

export interface DlqListOptions {
  readonly scan: number
  readonly json?: boolean
}

interface TopicSummary {
  readonly topic: string
  readonly letters: number
  readonly redriven: number
  /** False: older letters exist that were not looked at; see --scan. */
  readonly complete: boolean
  readonly reasons: readonly ReasonSummary[]
}

export const runDlqList = ({ scan, json = false }: DlqListOptions): Promise<void> =>
  withDlqSession(async ({ cluster, admin }) => {
    const names = (await admin.listTopics()).map(({ topic }) => topic).filter(holdsForeignBytes)
    const topics: TopicSummary[] = []
    for (const topic of names.sort()) {
      const summary = new DeadLetterSummary()
      const { complete } = await scanTopic({
        cluster,
        topic,
        newest: scan,
        onEntry: (entry) => {
          summary.add(entry)
        },
      })
      const reasons = summary.reasons()
      const sum = (of: (each: ReasonSummary) => number) =>
        reasons.reduce((total, each) => total + of(each), 0)
      const letters = sum((each) => each.letters)
      topics.push({ topic, letters, redriven: sum((each) => each.redriven), complete, reasons })
    }
    process.stdout.write(json ? `${JSON.stringify({ topics })}\n` : textOf(topics))
  })

const textOf = (topics: readonly TopicSummary[]): string => {
  if (topics.length === 0) return 'There is no dead-letter topic yet.\n'
  return topics
    .map(({ topic, letters, redriven, complete, reasons }) => {
      const partial = complete ? '' : ' among the newest'
      const head = `${topic}: ${String(letters)} letters${partial}, ${String(redriven)} sent again\n`
      return head + reasons.map(lineOf).join('')
    })
    .join('')
}

const lineOf = ({ reason, letters, redriven, lastAt, lastDetail }: ReasonSummary): string => {
  const detail = lastDetail === undefined ? '' : `: ${lastDetail}`
  return `  ${reason.padEnd(24)} ${String(letters).padStart(8)} (${String(redriven)} sent again), last ${new Date(lastAt).toISOString()}${detail}\n`
}

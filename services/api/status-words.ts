/** Numbers as an on-call engineer would say them. */
import type { ConsumerLag } from './ports.ts'
import type { GapRow, Stored } from './queries/totals.ts'

/** Beyond this a pipeline is not merely between two commits. */
const worthMentioningRecords = 5_000
/** The machine watcher publishes every 5 s and the sink writes every second or so. */
const quietMs = 30_000

export const inWords = (state: {
  readonly stored: Stored | undefined
  readonly consumers: readonly ConsumerLag[]
  readonly nowMs: number
}): string[] => {
  const behind = state.consumers.filter(({ records }) => records > worthMentioningRecords)
  const lags = behind.map(
    ({ consumer, topic, records }) =>
      `${consumer} is ${count(records, 'record')} behind${topic === null ? '' : ` on ${topic}`}.`,
  )
  const { stored } = state
  if (stored === undefined) {
    return [
      ...lags,
      'ClickHouse does not answer, so there are no totals; Kafka keeps what arrives.',
    ]
  }
  return [
    ...stored.gaps.map(gapInWords),
    ...lags,
    arrival(stored, state.nowMs),
    `${count(stored.totals.points, 'point')} of ${count(stored.totals.series, 'series', 'series')} ` +
      `in ${count(stored.totals.tenants, 'tenant')}.`,
    `${count(stored.episodes.open, 'anomaly', 'anomalies')} now, ` +
      `${count(stored.episodes.episodes, 'anomaly', 'anomalies')} in all.`,
  ]
}

const arrival = ({ totals }: Stored, nowMs: number): string => {
  if (totals.points === 0) {
    return 'No point has arrived yet; `npm start` watches this machine unless told --no-demo.'
  }
  const agoMs = nowMs - totals.ingested_ms
  const ago = `${duration(agoMs)} ago`
  return agoMs > quietMs
    ? `The newest point arrived ${ago}: nothing sends, or the sink is behind.`
    : `The newest point arrived ${ago}.`
}

const gapInWords = ({ topic, partition, kind, detail }: GapRow): string =>
  `Records of ${topic}/${partition} can never reach ClickHouse (${kind}): ${detail}`

export const count = (amount: number, one: string, many = `${one}s`): string =>
  `${amount.toLocaleString('en-US')} ${amount === 1 ? one : many}`

export const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

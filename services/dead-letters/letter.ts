/**
 * What stands in a dead-letter (or late) topic: letters, and marks of those that were sent again.
 *
 * A letter keeps key, value and headers of the original; further headers say why it was put aside
 * and where it came from. A mark lists letters by origin. It is written to the same topic in the transaction
 * that sends them again, so it is there exactly when they were, and lives at least as long.
 */
import type { RecordHeader } from '../../pipelines/runtime/record/index.ts'
import { ORIGIN_HEADERS } from '../../pipelines/runtime/task/side-record.ts'
import type { StoredRecord } from '../records/record-line.ts'

export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly appendTimeMs: number
}

export interface Letter {
  readonly kind: 'letter'
  readonly partition: number
  readonly offset: number
  readonly appendTimeMs: number
  /** Bounded set, e.g. `malformed-value`; `late` for late records. */
  readonly reason: string
  readonly detail: string | undefined
  /** The copy is no longer whole: it was larger than its topic takes. The sizes of the original. */
  readonly cut: string | undefined
  /** Undefined when headers are missing: such a letter cannot be sent again. */
  readonly origin: Origin | undefined
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Those of the original record, in its order; what the runtime added is left out. */
  readonly headers: readonly RecordHeader[]
}

export interface RedriveMark {
  readonly kind: 'mark'
  readonly originIds: readonly string[]
}

const MARK_HEADER = 'millrace-redriven'
/** On records that were sent again: the letter they were, `topic/partition/offset`. */
export const REDRIVEN_FROM_HEADER = 'millrace-redriven-from'

/** Names that are ours; whatever else a letter carries came with the original. */
const ADDED_HEADERS: ReadonlySet<string> = new Set([
  ...Object.values(ORIGIN_HEADERS),
  REDRIVEN_FROM_HEADER,
])

/**
 * Tells letters apart across all dead-letter topics: two pipelines may put the same record aside,
 * and it must be sent again once. The append time keeps a re-created topic's offsets apart.
 */
export const originId = ({ topic, partition, offset, appendTimeMs }: Origin): string =>
  `${topic}/${String(partition)}/${String(offset)}@${String(appendTimeMs)}`

export const readLetter = (record: StoredRecord): Letter | RedriveMark => {
  const headers = firstTexts(record.headers)
  // A letter may have brought a header of that name along, but it always has an origin.
  const isMark = headers.has(MARK_HEADER) && !headers.has(ORIGIN_HEADERS.topic)
  if (isMark) return { kind: 'mark', originIds: idsIn(record.value) }
  const { partition, offset, appendTimeMs, key, value } = record
  return {
    kind: 'letter',
    partition,
    offset,
    appendTimeMs,
    reason: headers.get(ORIGIN_HEADERS.reason) ?? 'late',
    detail: headers.get(ORIGIN_HEADERS.detail),
    cut: headers.get(ORIGIN_HEADERS.cut),
    origin: originIn(headers),
    key,
    value,
    headers: record.headers.filter(({ key }) => !ADDED_HEADERS.has(key)),
  }
}

/** Ours stand before those of the original, which may bear the same names: the first one counts. */
const firstTexts = (headers: readonly RecordHeader[]): ReadonlyMap<string, string> =>
  new Map(headers.toReversed().map(({ key, value }) => [key, value?.toString() ?? '']))

export const markOf = (originIds: readonly string[]) => ({
  key: null,
  value: Buffer.from(JSON.stringify(originIds)),
  headers: [{ key: MARK_HEADER, value: Buffer.from(String(originIds.length)) }],
})

const idsIn = (value: Buffer | null): readonly string[] => {
  const ids: unknown = value === null ? [] : JSON.parse(value.toString())
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}

const originIn = (headers: ReadonlyMap<string, string>): Origin | undefined => {
  const topic = headers.get(ORIGIN_HEADERS.topic)
  const [partition, offset, appendTimeMs] = [
    integer(headers.get(ORIGIN_HEADERS.partition)),
    integer(headers.get(ORIGIN_HEADERS.offset)),
    integer(headers.get(ORIGIN_HEADERS.appendTimeMs)),
  ]
  if (topic === undefined || partition === undefined || offset === undefined) return undefined
  return { topic, partition, offset, appendTimeMs: appendTimeMs ?? -1 }
}

const integer = (text: string | undefined): number | undefined =>
  text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined

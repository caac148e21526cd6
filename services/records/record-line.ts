/** One record as the JSON line that `millrace tail` prints. */
import { isUtf8 } from 'node:buffer'
import { jsonFormOf, type Json } from '../../pipelines/runtime/avro/index.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import { findTopic } from '../../schemas/topics.ts'
import type { ReadValue } from './value-reader.ts'

/** A record apart from the buffer it was fetched in. */
export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  readonly appendTimeMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

export interface RecordLine {
  readonly partition: number
  readonly offset: number
  /** Event time where the value has one, else the append time; ms since 1970. */
  readonly timestamp: number
  readonly key: string | null
  /** The decoded value; base64 text with `encoding` beside it where it has no schema. */
  readonly value: Json
  readonly appendTime: number
  readonly encoding?: 'base64'
  readonly keyEncoding?: 'base64'
  readonly headers?: Readonly<Record<string, string | null>>
}

/** Copies the current record of a set; the set's buffer may then be reused. */
export const storedRecordOf = (partition: number, records: RecordSet): StoredRecord => {
  const [key, value] = [records.key(), records.value()]
  return {
    partition,
    offset: records.offset,
    appendTimeMs: records.timestampMs,
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: records
      .headers()
      .map((header) => ({ key: header.key, value: header.value && Buffer.from(header.value) })),
  }
}

/** Late records and dead letters are bytes of other topics, whatever those bytes look like. */
export const holdsForeignBytes = (topic: string): boolean =>
  topic.endsWith('.dead-letter') || topic.endsWith('.late')

export const recordLineOf = (
  topic: string,
  record: StoredRecord,
  read: ReadValue | undefined,
): RecordLine => {
  const { partition, offset, appendTimeMs, key, value, headers } = record
  const decoded = read?.kind === 'decoded'
  const keyIsText = key === null || isUtf8(key)
  return {
    partition,
    offset,
    timestamp: decoded ? eventTimeOf(topic, read.value, appendTimeMs) : appendTimeMs,
    key: key === null ? null : key.toString(keyIsText ? 'utf8' : 'base64'),
    value: decoded ? jsonFormOf(read.value) : value === null ? null : value.toString('base64'),
    appendTime: appendTimeMs,
    ...(decoded || value === null ? {} : { encoding: 'base64' }),
    ...(keyIsText ? {} : { keyEncoding: 'base64' }),
    ...(headers.length === 0 ? {} : { headers: headerTexts(headers) }),
  }
}

const eventTimeOf = (
  topic: string,
  value: Readonly<Record<string, unknown>>,
  appendTimeMs: number,
): number => {
  const { field, unit } = findTopic(topic)?.eventTime ?? { field: 'timestamp', unit: 'ms' }
  const time = value[field]
  if (typeof time !== 'number') return appendTimeMs
  return unit === 'us' ? time / 1000 : time
}

/** Of several headers of one name the last one counts, as in Kafka's own `lastHeader`. */
const headerTexts = (headers: StoredRecord['headers']): Record<string, string | null> =>
  Object.fromEntries(
    headers.map(({ key, value }) => [
      key,
      value && value.toString(isUtf8(value) ? 'utf8' : 'base64'),
    ]),
  )

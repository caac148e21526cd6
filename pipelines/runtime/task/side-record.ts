/**
 * A copy of a record for a late or dead-letter topic: key, value and headers byte for byte, behind
 * headers that say why and from where.
 *
 * A record may be larger than that topic takes: the input's limit was raised, or it came compressed.
 * Then the copy is cut and says so. The whole stays where it came from, for as long as that topic
 * keeps it, and the partition goes on.
 */

import { batchSizeBound, type RecordHeader } from '../record/index.ts'

/** Header names of late records and dead letters. */
export const ORIGIN_HEADERS = {
  reason: 'millrace-reason',
  detail: 'millrace-detail',
  topic: 'millrace-origin-topic',
  partition: 'millrace-origin-partition',
  offset: 'millrace-origin-offset',
  appendTimeMs: 'millrace-origin-append-time-ms',
  /** Only on copies that were cut: the sizes of the original. */
  cut: 'millrace-cut',
} as const

/** Long enough to understand a mistake, short enough not to carry a payload. */
const DETAIL_CHARS = 500
/** What is kept of key and value of a record that is too large. */
const KEPT_BYTES = 32 * 1024

export interface SideRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface RecordOrigin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly appendTimeMs: number
}

export const reasonHeaders = (reason: string, detail: string): RecordHeader[] => [
  header(ORIGIN_HEADERS.reason, reason),
  header(ORIGIN_HEADERS.detail, detail.slice(0, DETAIL_CHARS)),
]

export const originHeaders = (origin: RecordOrigin): RecordHeader[] => [
  header(ORIGIN_HEADERS.topic, origin.topic),
  header(ORIGIN_HEADERS.partition, String(origin.partition)),
  header(ORIGIN_HEADERS.offset, String(origin.offset)),
  header(ORIGIN_HEADERS.appendTimeMs, String(origin.appendTimeMs)),
]

/** The copy, cut where a batch of `limitBytes` would not hold it. */
export const sideRecord = (
  record: SideRecord,
  added: readonly RecordHeader[],
  limitBytes: number,
): SideRecord => {
  const { key, value } = record
  const headers = [...added, ...record.headers]
  const sizes = { key: key?.length ?? 0, value: value?.length ?? 0 }
  if (batchSizeBound(sizes.key, sizes.value, headers) <= limitBytes) {
    return { key, value, headers }
  }
  const original = `key ${sizes.key}, value ${sizes.value}, headers ${record.headers.length}`
  return {
    key: key && key.subarray(0, KEPT_BYTES),
    value: value && value.subarray(0, KEPT_BYTES),
    headers: [...added, header(ORIGIN_HEADERS.cut, original)],
  }
}

const header = (key: string, value: string): RecordHeader => ({ key, value: Buffer.from(value) })

/** A dead letter as people want to see it: why, from where, and what one can make of the bytes. */
import { isUtf8 } from 'node:buffer'
import { jsonFormOf, type Json } from '../../pipelines/runtime/avro/index.ts'
import type { ReadValue } from '../records/value-reader.ts'
import { originId, type Letter, type Origin } from './letter.ts'

const PREVIEW_BYTES = 300

export interface LetterPreview {
  readonly partition: number
  readonly offset: number
  readonly at: number
  readonly reason: string
  readonly detail: string | null
  readonly origin: Origin | null
  readonly redriven: boolean
  readonly key: string | null
  readonly valueBytes: number | null
  /** The decoded value, or why there is none beside the beginning of the bytes. */
  readonly value: Json
  readonly undecoded?: { readonly why: string; readonly text?: string; readonly base64: string }
}

export const previewOf = (
  letter: Letter,
  read: ReadValue | undefined,
  redriven: ReadonlySet<string>,
): LetterPreview => {
  const { partition, offset, appendTimeMs, reason, detail, origin, key, value } = letter
  return {
    partition,
    offset,
    at: appendTimeMs,
    reason,
    detail: detail ?? null,
    origin: origin ?? null,
    redriven: origin !== undefined && redriven.has(originId(origin)),
    key: key === null ? null : isUtf8(key) ? key.toString() : `base64:${key.toString('base64')}`,
    valueBytes: value?.length ?? null,
    value: read?.kind === 'decoded' ? jsonFormOf(read.value) : null,
    ...(read?.kind === 'bytes' && value !== null
      ? { undecoded: bytesPreview(value, read.why) }
      : {}),
  }
}

const bytesPreview = (value: Buffer, why: string) => {
  const head = value.subarray(0, PREVIEW_BYTES)
  return {
    why,
    ...(isUtf8(value) ? { text: head.toString() } : {}),
    base64: head.toString('base64'),
  }
}

/** Where to begin reading: `--from beginning|latest|ISO` (an arrival time). */
import type { OffsetSpec } from '../../pipelines/runtime/kafka/index.ts'
import { usageError } from '../shared/errors.ts'

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/

export const offsetSpecOf = (from: string): OffsetSpec => {
  if (from === 'beginning') return 'earliest'
  // What is committed later must be seen, even if its transaction is open already.
  if (from === 'latest') return 'latest-committed'
  const timestampMs = timeOf(from)
  if (timestampMs !== undefined) return { timestampMs }
  throw usageError(
    `--from is '${from}'; give 'beginning', 'latest' or an arrival time like 2026-01-31T12:00:00Z.`,
  )
}

/** An ISO 8601 time as milliseconds; undefined for anything else. */
export const timeOf = (text: string): number | undefined => {
  const timestampMs = ISO_TIME.test(text) ? Date.parse(withZone(text)) : Number.NaN
  return Number.isNaN(timestampMs) ? undefined : timestampMs
}

/** A time without a zone is UTC, like every time we print; JavaScript would take it as local. */
const withZone = (text: string): string =>
  text.includes('T') && !/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text}Z` : text

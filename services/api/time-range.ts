/** `from` and `to` as people and scripts write them: ISO 8601 or epoch milliseconds, [from, to). */
import { invalidParameter } from '../shared/problem.ts'

export interface TimeRange {
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
}

/** What a DateTime64(3) column can hold. */
export const earliestMs = Date.UTC(1900, 0, 1)
export const latestMs = Date.UTC(2299, 11, 31)

const isoTime =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/
const epoch = /^-?\d{1,16}$/
const zone = /(?:Z|[+-]\d{2}:?\d{2})$/

/** A time without a zone is UTC: an answer must not depend on where the server stands. */
export const parseTime = (field: string, text: string): number => {
  const limit = 'an ISO 8601 time such as 2026-01-31T08:00:00Z, or milliseconds since 1970'
  const ms = epoch.test(text) ? Number(text) : isoTime.test(text) ? isoToMs(text) : Number.NaN
  if (Number.isNaN(ms)) throw invalidParameter({ field, value: text, limit })
  if (ms < earliestMs || ms > latestMs) {
    throw invalidParameter({ field, value: text, limit: 'between the years 1900 and 2299' })
  }
  return ms
}

const isoToMs = (text: string): number => {
  const time = text.replace(' ', 'T').replace(',', '.')
  const date = time.slice(0, 10)
  const dayMs = Date.parse(`${date}T00:00:00Z`)
  // Date.parse takes 30 February for 2 March; nobody who writes it means that.
  if (Number.isNaN(dayMs) || isoOf(dayMs).slice(0, 10) !== date) return Number.NaN
  if (time === date) return dayMs
  return Date.parse(zone.test(time) ? time : `${time}Z`)
}

export const parseTimeRange = (query: {
  readonly from?: string | undefined
  readonly to?: string | undefined
}): TimeRange => {
  const fromMs = query.from === undefined ? undefined : parseTime('from', query.from)
  const toMs = query.to === undefined ? undefined : parseTime('to', query.to)
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    throw invalidParameter({ field: 'to', value: query.to, limit: 'later than from' })
  }
  return { fromMs, toMs }
}

export const isoOf = (ms: number): string => new Date(ms).toISOString()
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : isoOf(ms))

/**
 * Timestamps as files and webhooks have them: ISO 8601 with or without zone, `YYYY-MM-DD HH:MM:SS`, and seconds,
 * milliseconds, microseconds or nanoseconds since 1970. A time without a zone is UTC.
 */
import type { EpochMs } from '../../schemas/topic.ts'

const CALENDAR =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i
const NUMBER = /^\d{1,19}(?:\.\d+)?$/

/**
 * Units are told apart by size: each limit is the year 5138 in its unit and lies before 1973 in the
 * next finer one, so that no plausible time is read wrongly.
 */
const UNITS = [
  { below: 1e11, perMs: 1e-3 },
  { below: 1e14, perMs: 1 },
  { below: 1e17, perMs: 1e3 },
  { below: Infinity, perMs: 1e6 },
] as const

/** Whole milliseconds, or undefined for text that is no time. Never a time before 1970. */
export const parseTimestamp = (text: string): EpochMs | undefined => {
  const trimmed = text.trim()
  const time = NUMBER.test(trimmed) ? epoch(Number(trimmed)) : calendar(trimmed)
  return time !== undefined && time >= 0 ? time : undefined
}

const epoch = (value: number): EpochMs => {
  const perMs = UNITS.find(({ below }) => value < below)?.perMs ?? 1
  return Math.floor(value / perMs)
}

const calendar = (text: string): EpochMs | undefined => {
  const match = CALENDAR.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match
  const [h, m, s] = [Number(hour), Number(minute), Number(second)]
  if (h > 23 || m > 59 || s > 59) return undefined
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day))
  // 2014-02-30 would quietly become the 2nd of March.
  if (new Date(date).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined
  const millis = Number(fraction.padEnd(3, '0').slice(0, 3))
  return date + ((h * 60 + m) * 60 + s) * 1000 + millis - zoneOffsetMs(zone)
}

const zoneOffsetMs = (zone: string | undefined): number => {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? '')
  if (match === null) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3])
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}

/**
 * Times as log files write them. A file has one way of writing them, told from its beginning; from
 * then on only that one is looked for, so that a date inside a message does not begin an entry.
 *
 * A time without a zone is UTC. One without a year is the last such time before the file was
 * written, or, where the year of the first entry is given, counted on from it.
 */
import { parseTimestamp } from '../../../pipelines/intake/timestamp.ts'
import type { EpochMs } from '../../../schemas/topic.ts'

export interface TimeFormat {
  /** As docs/producers.md lists it. */
  readonly example: string
  readonly pattern: RegExp
  readonly read: (match: RegExpExecArray, years: Years) => EpochMs | undefined
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const MONTH = `(${MONTHS.join('|')})[a-z]{0,6}`
const CLOCK = String.raw`(\d{2}):(\d{2}):(\d{2})(?:[.,:](\d{1,9}))?`
const ZONE = String.raw`(?:\s?(Z|UTC|[+-]\d{2}:?\d{2}))?`

const monthOf = (name = ''): number => MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1
const two = (value: number | string): string => String(value).padStart(2, '0')

/** By way of ISO 8601, which refuses the 30th of February. */
const instant = (
  date: readonly [year: number | string, month: number | string, day: number | string],
  clock: readonly (string | undefined)[],
  zone = 'Z',
): EpochMs | undefined => {
  const [hour = '00', minute = '00', second = '00', fraction = '0'] = clock
  const [year, month, day] = date
  return parseTimestamp(
    `${String(year)}-${two(month)}-${two(day)}T${hour}:${minute}:${second}.${fraction}${zone}`,
  )
}

const century = (year = ''): number => (Number(year) < 70 ? 2000 : 1900) + Number(year)

/** The most telling first: of two that are found as often and as early the first one counts. */
export const TIME_FORMATS: readonly TimeFormat[] = [
  {
    example: '2026-03-01T12:00:00.123Z, 2026-03-01 12:00:00,123 +0100',
    pattern: new RegExp(String.raw`(?<!\d)(\d{4})[-/](\d{2})[-/](\d{2})[T ]${CLOCK}${ZONE}`, 'i'),
    read: ([, year = '', month = '', day = '', ...clock]) =>
      instant([year, month, day], clock.slice(0, 4), clock[4]),
  },
  {
    example: '2026-03-01-12.00.00.123456',
    pattern: /(?<!\d)(\d{4})-(\d{2})-(\d{2})-(\d{2})\.(\d{2})\.(\d{2})\.(\d{1,9})/,
    read: ([, year = '', month = '', day = '', ...clock]) => instant([year, month, day], clock),
  },
  {
    example: '20260301-12:00:00:123',
    pattern: /(?<!\d)(\d{4})(\d{2})(\d{2})-(\d{1,2}):(\d{1,2}):(\d{1,2}):(\d{1,3})(?!\d)/,
    read: ([, year = '', month = '', day = '', h = '', m = '', s = '', millis = '']) =>
      instant([year, month, day], [two(h), two(m), two(s), millis.padStart(3, '0')]),
  },
  {
    example: '01/Mar/2026:12:00:00 +0100',
    pattern: new RegExp(String.raw`(\d{2})/${MONTH}/(\d{4}):${CLOCK}${ZONE}`, 'i'),
    read: ([, day = '', month, year = '', ...clock]) =>
      instant([year, monthOf(month), day], clock.slice(0, 4), clock[4]),
  },
  {
    example: '01-Mar-2026 12:00:00.123',
    pattern: new RegExp(String.raw`(?<!\d)(\d{2})-${MONTH}-(\d{4}) ${CLOCK}${ZONE}`, 'i'),
    read: ([, day = '', month, year = '', ...clock]) =>
      instant([year, monthOf(month), day], clock.slice(0, 4), clock[4]),
  },
  {
    example: 'Sun Mar 01 12:00:00 2026',
    pattern: new RegExp(String.raw`\b${MONTH}\s{1,2}(\d{1,2}) ${CLOCK} (\d{4})\b`, 'i'),
    read: ([, month, day = '', h, m, s, fraction, year = '']) =>
      instant([year, monthOf(month), day], [h, m, s, fraction]),
  },
  {
    example: 'Mar  1 12:00:00',
    pattern: new RegExp(String.raw`\b${MONTH}\s{1,2}(\d{1,2}),? ${CLOCK}`, 'i'),
    read: ([, month, day = '', ...clock], years) =>
      years.of((year) => instant([year, monthOf(month), day], clock)),
  },
  {
    example: '26/03/01 12:00:00',
    pattern: new RegExp(String.raw`(?<![\d/])(\d{2})/(\d{2})/(\d{2}) ${CLOCK}`),
    read: ([, year, month = '', day = '', ...clock]) => instant([century(year), month, day], clock),
  },
  {
    example: '260301 120000',
    pattern: /(?<!\d)(\d{2})(\d{2})(\d{2}) (\d{2})(\d{2})(\d{2})(?!\d)/,
    read: ([, year, month = '', day = '', ...clock]) => instant([century(year), month, day], clock),
  },
  {
    example: 'I0301 12:00:00.123456',
    pattern: new RegExp(String.raw`(?<![A-Za-z\d])[IWEFD](\d{2})(\d{2}) ${CLOCK}`),
    read: ([, month = '', day = '', ...clock], years) =>
      years.of((year) => instant([year, month, day], clock)),
  },
  {
    example: '03-01 12:00:00.123, 03.01 12:00:00',
    pattern: new RegExp(String.raw`(?<![\d.-])(\d{2})[-.](\d{2}) ${CLOCK}`),
    read: ([, month = '', day = '', ...clock], years) =>
      years.of((year) => instant([year, month, day], clock)),
  },
  {
    example: '1772366400, 1772366400.123, 1772366400123',
    pattern: /(?<![\w.-])(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})(?![\w])/,
    read: ([, seconds = '']) => parseTimestamp(seconds),
  },
]

const HALF_YEAR_MS = 180 * 86_400_000
/** Clocks differ. */
const AHEAD_MS = 86_400_000

/** Gives times without a year theirs. One for each time a file is read from its beginning. */
export class Years {
  readonly #writtenMs: EpochMs
  readonly #isGiven: boolean
  #year: number
  #lastMs = -Infinity

  constructor(file: { readonly firstYear?: number | undefined; readonly writtenMs: EpochMs }) {
    this.#writtenMs = file.writtenMs
    this.#isGiven = file.firstYear !== undefined
    this.#year = file.firstYear ?? new Date(file.writtenMs).getUTCFullYear()
  }

  of(inYear: (year: number) => EpochMs | undefined): EpochMs | undefined {
    const time = inYear(this.#year)
    if (!this.#isGiven) {
      const isAhead = time === undefined || time > this.#writtenMs + AHEAD_MS
      return isAhead ? (inYear(this.#year - 1) ?? time) : time
    }
    // From December to January: the next year has begun.
    if (time !== undefined && time < this.#lastMs - HALF_YEAR_MS) this.#year += 1
    const counted = inYear(this.#year)
    if (counted !== undefined) this.#lastMs = counted
    return counted
  }
}

export interface FoundTime {
  readonly timestampMs: EpochMs
  readonly start: number
  readonly end: number
}

/** How far into a line a time is looked for. */
const HEAD = 160

/** Undefined for a line that has no time of this format in its head. */
export const findTime = (line: string, format: TimeFormat, years: Years): FoundTime | undefined => {
  const match = format.pattern.exec(line.length > HEAD ? line.slice(0, HEAD) : line)
  if (match === null) return undefined
  const timestampMs = format.read(match, years)
  if (timestampMs === undefined) return undefined
  return { timestampMs, start: match.index, end: match.index + match[0].length }
}

/** The format that most lines have, the earlier in a line the better; undefined where none has one. */
export const formatOf = (lines: readonly string[], years: () => Years): TimeFormat | undefined => {
  const counted = TIME_FORMATS.map((format) => {
    const clock = years()
    const found = lines.flatMap((line) => findTime(line, format, clock) ?? [])
    const start = Math.min(...found.map((each) => each.start))
    return { format, count: found.length, start }
  })
  const best = counted.reduce((best, each) => {
    if (each.count !== best.count) return each.count > best.count ? each : best
    return each.start < best.start ? each : best
  })
  return best.count === 0 ? undefined : best.format
}

/** Times and durations of spans, to the microsecond, in whichever unit a file has them. */
import { parseTimestamp } from '../../../pipelines/intake/timestamp.ts'
import type { EpochUs } from '../../../schemas/topic.ts'

const WHOLE = /^\d{1,19}$/
/** Digits of a second behind the milliseconds, of ISO 8601. */
const BEHIND_MILLIS = /[.,]\d{3}(\d{1,3})/

/** As for milliseconds, units of whole numbers are told apart by their size. */
const UNITS = [
  { below: 10n ** 11n, times: 1_000_000n, by: 1n },
  { below: 10n ** 14n, times: 1_000n, by: 1n },
  { below: 10n ** 17n, times: 1n, by: 1n },
] as const
const NANOSECONDS = { times: 1n, by: 1_000n } as const

export const microsOf = (value: unknown): EpochUs | undefined => {
  const text = String(value).trim()
  if (WHOLE.test(text)) {
    const count = BigInt(text)
    const { times, by } = UNITS.find(({ below }) => count < below) ?? NANOSECONDS
    return Number((count * times) / by)
  }
  const ms = parseTimestamp(text)
  if (ms === undefined) return undefined
  const micros = BEHIND_MILLIS.exec(text)?.[1] ?? '0'
  return ms * 1000 + Number(micros.padEnd(3, '0'))
}

const NUMBER = /^-?\d+(?:\.\d+)?$/

/** Whole microseconds out of a number of another unit. */
export const durationUs = (value: unknown, usPerUnit: number): number | undefined => {
  const text = String(value).trim()
  return NUMBER.test(text) ? Math.round(Number(text) * usPerUnit) : undefined
}

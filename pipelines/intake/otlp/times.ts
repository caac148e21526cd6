/** Nanoseconds since 1970, as OTLP has them, to ours; zero means that nobody said. */
import type { EpochMs, EpochUs } from '../../../schemas/topic.ts'
import { isEventTime } from '../event-time.ts'
import { isGiven } from './messages.ts'
import { Rejected } from './rejections.ts'

const NANOS_PER_MS = 1_000_000n
const NANOS_PER_US = 1_000n
const MAX_SHOWN_MS = 8_640_000_000_000_000

export const isSet = (nanos: bigint | null | undefined): nanos is bigint =>
  isGiven(nanos) && nanos !== 0n

export const msOf = (nanos: bigint): EpochMs => Number(nanos / NANOS_PER_MS)
export const usOf = (nanos: bigint): EpochUs => Number(nanos / NANOS_PER_US)

/** @throws Rejected for a time too far ahead */
export const checkedTime = (field: string, nanos: bigint, receivedAtMs: EpochMs): void => {
  const ms = msOf(nanos)
  if (isEventTime(ms, receivedAtMs)) return
  const shown = ms <= MAX_SHOWN_MS ? new Date(ms).toISOString() : String(nanos)
  throw new Rejected('a time more than 60 s ahead', `${field} is ${shown}`)
}

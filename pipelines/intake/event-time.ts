/** Which event times are taken of a sender, who hears of it at once; the pipelines would put the record aside later on. */
import type { EpochMs } from '../../schemas/topic.ts'

/** What the pipelines take ahead of a record's arrival, unless told otherwise. */
export const MAX_AHEAD_MS = 60_000

/** Since 1970, and not further ahead of the clock than clocks differ. */
export const isEventTime = (ms: number, receivedAtMs: EpochMs): boolean =>
  ms >= 0 && ms <= receivedAtMs + MAX_AHEAD_MS

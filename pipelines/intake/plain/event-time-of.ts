import type { EpochMs } from '../../../schemas/topic.ts'
import { isEventTime } from '../event-time.ts'
import type { Fields } from '../fields.ts'

/** @throws BadInput for none, and for one that the pipelines would put aside */
export const eventTimeOf = (fields: Fields, receivedAtMs: EpochMs): EpochMs => {
  const time = fields.time('timestamp')
  if (isEventTime(time, receivedAtMs)) return time
  throw fields.bad('timestamp', 'a time since 1970, and at most 60 s ahead of now')
}

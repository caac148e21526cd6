import type { EpochMs } from '../../schemas/topic.ts'

/** What is known of a message besides its bytes. */
export interface Arrival {
  /** Of the caller; never from the content. */
  readonly tenant: string
  readonly receivedAtMs: EpochMs
}

/**
 * What a door is given: who sends, and the way into Kafka. A door speaks one protocol: it decodes,
 * checks and maps a request to records of ours, appends them, waits, and answers in the protocol's
 * own words. It knows neither keys nor producers.
 */
import type { OutgoingRecord } from '../shared/publisher.ts'

/** Who sends, decided before a door sees the request. What is written belongs to `tenant`, whatever the request says. */
export interface Sender {
  readonly tenant: string
  /** Who it is, for logs and for what records say about where they come from: a key's id, a user, `anonymous`. */
  readonly name: string
}

/** The way into Kafka, with a bound. */
export interface Intake {
  /**
   * Takes room for one request of about so many bytes.
   *
   * @throws IntakeRefused at once where there is none, because Kafka is slow or away: nothing of
   *   the request has been taken, and the sender may come again
   */
  open(sizeBytes: number): IntakeBatch
}

export interface IntakeBatch {
  /**
   * Copies the key and value: their buffers may be used again at once.
   *
   * @throws KafkaError RECORD_TOO_LARGE, for this record alone
   */
  append(record: OutgoingRecord): void
  /**
   * Resolves when Kafka has acknowledged everything that was appended; gives the room back.
   *
   * @throws IntakeRefused when that is not known in time
   */
  acknowledged(): Promise<void>
}

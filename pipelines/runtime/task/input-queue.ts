/**
 * One input partition of a task: what was fetched and not yet processed.
 *
 * `position` is the offset to go on from. It stands behind the last processed record, and behind a
 * whole fetched set once that is used up, so it also passes control records and compacted gaps.
 */

import type { RecordSet } from '../record/index.ts'
import type { TaskInput } from './task-inputs.ts'

export interface FetchedRecords {
  readonly records: RecordSet
  /** Where the partition ended when the broker answered (read_uncommitted end). */
  readonly highWatermark: number
  /** Monotonic time at which the fetch was sent, and at which its answer came. */
  readonly requestedAtMs: number
  readonly receivedAtMs: number
  /** Called when the last record has been processed: the bytes may be fetched for again. */
  release?(): void
}

export class InputQueue {
  readonly input: TaskInput
  position: number
  /** The record at hand when `hasHead`. */
  head!: RecordSet
  hasHead = false
  /** When the answer that holds the head came in. */
  headReceivedAtMs = 0
  highWatermark = -1

  readonly #sets: FetchedRecords[] = []
  #endSeenAtMs = Number.NEGATIVE_INFINITY
  #askedAtMs = Number.NEGATIVE_INFINITY

  constructor(input: TaskInput, position: number) {
    this.input = input
    this.position = position
  }

  push(fetched: FetchedRecords): void {
    const { records } = fetched
    this.highWatermark = fetched.highWatermark
    this.#askedAtMs = fetched.requestedAtMs
    if (records.nextOffset >= fetched.highWatermark) this.#endSeenAtMs = fetched.requestedAtMs
    if (records.sizeBytes === 0) {
      // Whoever fetches may have passed over records that expired: whatever waits for them must know.
      if (this.#sets.length === 0) this.position = Math.max(this.position, records.nextOffset)
      fetched.release?.()
      return
    }
    this.#sets.push(fetched)
    if (this.#sets.length === 1) this.#settle()
  }

  /** Done with the head: on to the next record. */
  advance(): void {
    this.position = this.head.offset + 1
    this.#settle()
  }

  /**
   * Is it certain that this input holds nothing appended before something that arrived at
   * `momentMs`? Only if a fetch *sent after* that moment found the end.
   */
  wasAtEndAfter(momentMs: number): boolean {
    return !this.hasHead && this.#endSeenAtMs >= momentMs
  }

  /** Whether every record below the offset has been processed. */
  hasReached(offset: number): boolean {
    return (this.hasHead ? this.head.offset : this.position) >= offset
  }

  /** Whether a fetch sent at `momentMs` or later found no such offset in the log. */
  endedBefore(offset: number, momentMs: number): boolean {
    return this.highWatermark < offset && this.#askedAtMs >= momentMs
  }

  /** Moves the cursor onto the next unprocessed record, dropping used-up sets. */
  #settle(): void {
    for (;;) {
      const first = this.#sets[0]
      if (first === undefined) {
        this.hasHead = false
        return
      }
      if (first.records.next()) {
        this.head = first.records
        this.headReceivedAtMs = first.receivedAtMs
        this.hasHead = true
        return
      }
      this.position = Math.max(this.position, first.records.nextOffset)
      first.release?.()
      this.#sets.shift()
    }
  }
}

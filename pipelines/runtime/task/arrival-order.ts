/**
 * In which order a task takes the records of topics of others: as they came in here.
 *
 * Their times may be stamps of producers: one whose clock is a day ahead would wait for all others,
 * and one with old data would be taken before all others. Nothing depends on the order between such
 * inputs (X2 in raw-pipeline.ts).
 */

import type { InputOrder, Pick } from './input-merger.ts'
import type { InputQueue } from './input-queue.ts'

export class ArrivalOrder implements InputOrder {
  readonly #queues: readonly InputQueue[]

  constructor(queues: readonly InputQueue[]) {
    this.#queues = queues
  }

  next(): Pick | undefined {
    let first: InputQueue | undefined
    for (const queue of this.#queues) {
      if (!queue.hasHead) continue
      if (first === undefined || queue.headReceivedAtMs < first.headReceivedAtMs) first = queue
    }
    // One record: the next may have come in later than another input's.
    return first && { queue: first, untilMs: Infinity, untilOffset: first.head.offset + 1 }
  }
}

/**
 * In which order a task takes the records of its inputs.
 *
 * Data goes by broker append time, as far as it is there. A tick, a configuration or a command is
 * taken only when every other input has passed its append time or stands at its end (invariant M1),
 * so that time never overtakes data. Ties: data before control, then topic, then partition.
 *
 * The choice depends on what had been fetched when, so it is written down (`runs`) with each commit
 * and can be followed again: `RecordedOrder`.
 */

import type { OrderRun } from '../topology/internal-schemas.ts'
import type { InputQueue } from './input-queue.ts'
import { isControl } from './task-inputs.ts'

/** Which queue to take from, and up to which append time without asking again. */
export interface Pick {
  readonly queue: InputQueue
  readonly untilMs: number
  readonly untilOffset: number
}

export interface InputOrder {
  /** The next queue to take from; undefined when the next record is not there yet. */
  next(): Pick | undefined
}

export class AppendTimeOrder implements InputOrder {
  readonly #queues: readonly InputQueue[]

  constructor(queues: readonly InputQueue[]) {
    this.#queues = [...queues].sort(byRank)
  }

  next(): Pick | undefined {
    let first: InputQueue | undefined
    let untilMs = Number.POSITIVE_INFINITY
    for (const queue of this.#queues) {
      if (!queue.hasHead) continue
      const { timestampMs } = queue.head
      if (first === undefined) first = queue
      else if (timestampMs < first.head.timestampMs) {
        untilMs = first.head.timestampMs
        first = queue
      } else untilMs = Math.min(untilMs, timestampMs)
    }
    if (first === undefined) return undefined
    if (!isControl(first.input)) {
      // Another input's head of the same time may rank before: then one record at a time.
      const exclusive = this.#ranksBeforeAll(first, untilMs)
      return { queue: first, untilMs: exclusive ? untilMs : untilMs - 1, untilOffset: Infinity }
    }
    const { headReceivedAtMs } = first
    const overtakes = this.#queues.some(
      (queue) => queue !== first && !queue.hasHead && !queue.wasAtEndAfter(headReceivedAtMs),
    )
    // M1: one control record at a time, each checked anew.
    return overtakes ? undefined : { queue: first, untilMs: -1, untilOffset: Infinity }
  }

  #ranksBeforeAll(first: InputQueue, atMs: number): boolean {
    for (const queue of this.#queues) {
      if (queue === first) return true
      if (queue.hasHead && queue.head.timestampMs === atMs) return false
    }
    return true
  }
}

/** Follows an order that was recorded: each run until its offset, in turn. */
export class RecordedOrder implements InputOrder {
  readonly #queues: readonly InputQueue[]
  readonly #runs: readonly OrderRun[]
  #index = 0

  constructor(queues: readonly InputQueue[], runs: readonly OrderRun[]) {
    this.#queues = queues
    this.#runs = runs
  }

  get finished(): boolean {
    this.#skipFinishedRuns()
    return this.#index === this.#runs.length
  }

  next(): Pick | undefined {
    this.#skipFinishedRuns()
    const run = this.#runs[this.#index]
    if (run === undefined) return undefined
    const queue = this.#queueOf(run)
    if (!queue.hasHead || queue.head.offset >= run.upTo) return undefined
    return { queue, untilMs: Infinity, untilOffset: run.upTo }
  }

  #skipFinishedRuns(): void {
    for (;;) {
      const run = this.#runs[this.#index]
      if (run === undefined) return
      const queue = this.#queueOf(run)
      const reached = queue.hasHead ? queue.head.offset : queue.position
      if (reached < run.upTo) return
      this.#index += 1
    }
  }

  #queueOf(run: OrderRun): InputQueue {
    const found = this.#queues.find(
      ({ input }) => input.topic === run.topic && input.partition === run.partition,
    )
    if (found === undefined) throw new Error(`Recorded order names ${run.topic}/${run.partition}`)
    return found
  }
}

const byRank = (left: InputQueue, right: InputQueue): number =>
  Number(isControl(left.input)) - Number(isControl(right.input)) ||
  (left.input.topic < right.input.topic ? -1 : left.input.topic > right.input.topic ? 1 : 0) ||
  left.input.partition - right.input.partition

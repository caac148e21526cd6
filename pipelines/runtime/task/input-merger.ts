/**
 * In which order a task takes the records of its inputs.
 *
 * Data goes by broker append time, as far as it is there. A tick, a configuration or a command is
 * taken only when every other input has passed its append time or stands at its end (invariant M1),
 * so that time never overtakes data. Ties: data before control, then topic, then partition.
 *
 * A tick that another task passed on also waits until the data before it has been taken, by offset
 * (invariant M2, see tick-relay.ts): append times of several brokers say nothing about each other.
 *
 * The choice depends on what had been fetched when, so it is written down (`runs`) with each commit
 * and can be followed again: `RecordedOrder`.
 */

import type { OrderRun } from '../topology/internal-schemas.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import type { InputQueue } from './input-queue.ts'
import { isControl } from './task-inputs.ts'
import { positionsBefore } from './tick-relay.ts'

/**
 * A log that is still shorter than a tick says was deleted or cut, and the data is lost. Long enough
 * for a broker that has just become the leader to know where its log ends.
 */
const CUT_LOG_MS = 10_000

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

/** Up to which offset a queue is to be taken before the tick. */
interface Before {
  readonly queue: InputQueue
  readonly offset: number
}

export class AppendTimeOrder implements InputOrder {
  readonly #queues: readonly InputQueue[]
  /** Of the tick last looked at: it is asked for again and again while it waits. */
  #tick: { queue: InputQueue; offset: number; before: readonly Before[] } | undefined

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
    const missing = this.#dataBefore(first).filter((before) => isMissing(before, first)) // M2
    if (missing.length > 0) {
      const there = missing.find(({ queue }) => queue.hasHead)
      return there && { queue: there.queue, untilMs: Infinity, untilOffset: there.offset }
    }
    const { headReceivedAtMs } = first
    const overtakes = this.#queues.some(
      (queue) => queue !== first && !queue.hasHead && !queue.wasAtEndAfter(headReceivedAtMs),
    )
    // M1: one control record at a time, each checked anew.
    return overtakes ? undefined : { queue: first, untilMs: -1, untilOffset: Infinity }
  }

  #dataBefore(first: InputQueue): readonly Before[] {
    const { head, input } = first
    // Only tasks write to the other tick topics: nobody else can make us wait.
    if (head.headerCount === 0 || input.kind !== 'ticks' || input.topic === controlTicks.name) {
      return []
    }
    if (this.#tick?.queue !== first || this.#tick.offset !== head.offset) {
      const before = positionsBefore(head.headers()).flatMap(({ topic, offset }) => {
        const queue = this.#queues.find(
          ({ input: data }) => data.topic === topic && data.partition === input.partition,
        )
        return queue === undefined ? [] : [{ queue, offset }]
      })
      this.#tick = { queue: first, offset: head.offset, before }
    }
    return this.#tick.before
  }

  #ranksBeforeAll(first: InputQueue, atMs: number): boolean {
    for (const queue of this.#queues) {
      if (queue === first) return true
      if (queue.hasHead && queue.head.timestampMs === atMs) return false
    }
    return true
  }
}

const isMissing = ({ queue, offset }: Before, tick: InputQueue): boolean =>
  !queue.hasReached(offset) && !queue.endedBefore(offset, tick.headReceivedAtMs + CUT_LOG_MS)

/** Follows an order that was recorded: each run until its offset, in turn. */
export class RecordedOrder implements InputOrder {
  readonly #queues: readonly InputQueue[]
  /** Runs that are not finished yet. */
  readonly #runs: OrderRun[]

  constructor(queues: readonly InputQueue[], runs: readonly OrderRun[] = []) {
    this.#queues = queues
    this.#runs = [...runs].reverse()
  }

  /** What was recorded next. */
  append(runs: readonly OrderRun[]): void {
    this.#runs.unshift(...[...runs].reverse())
  }

  /** Whose records come next; undefined when the order has been followed to its end. */
  get awaited(): InputQueue | undefined {
    const run = this.#current()
    return run && this.#queueOf(run)
  }

  next(): Pick | undefined {
    const run = this.#current()
    if (run === undefined) return undefined
    const queue = this.#queueOf(run)
    return queue.hasHead ? { queue, untilMs: Infinity, untilOffset: run.upTo } : undefined
  }

  #current(): OrderRun | undefined {
    for (;;) {
      const run = this.#runs.at(-1)
      if (run === undefined || !this.#queueOf(run).hasReached(run.upTo)) return run
      this.#runs.pop()
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

/**
 * Between sampling, which never waits, and publishing, which may wait for a broker for hours.
 *
 * O1: bounded: beyond `maxPoints` the oldest moments go, counted.
 * O2: moments are published in order, one after the other; the tick of a moment goes out after its
 *     points are acknowledged, and not when it is more than MISSED_MS old by then: what an outage
 *     swallowed shows as a gap in the ticks ("no data"), not as silence of everybody else.
 */
import type { Reading } from './reading.ts'

/** Three ticks; a longer gap means "no data". */
const MISSED_MS = 15_000

export interface Moment {
  readonly timestampMs: number
  readonly readings: readonly Reading[]
}

export interface OutboxOptions {
  readonly maxPoints: number
  readonly publishPoints: (moments: readonly Moment[]) => Promise<void>
  readonly publishTick: (timestampMs: number) => Promise<void>
  readonly onDropped: (points: number) => void
  readonly onFailed: (points: number, error: unknown) => void
}

export class Outbox {
  readonly #options: OutboxOptions
  #waiting: Moment[] = []
  #points = 0
  #draining: Promise<void> | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Points that wait, without those that are on their way. */
  get waitingPoints(): number {
    return this.#points
  }

  /** Never waits. */
  put(moment: Moment): void {
    this.#waiting.push(moment)
    this.#points += moment.readings.length
    this.#dropOldest()
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined
    })
  }

  /** Resolves when nothing is waiting or on its way. */
  async idle(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining
  }

  #dropOldest(): void {
    while (this.#points > this.#options.maxPoints) {
      const points = this.#waiting.shift()?.readings.length ?? 0
      this.#points -= points
      this.#options.onDropped(points)
    }
  }

  async #drain(): Promise<void> {
    for (;;) {
      const moments = this.#waiting
      const last = moments.at(-1)
      if (last === undefined) return
      const points = this.#points
      this.#waiting = []
      this.#points = 0
      try {
        await this.#options.publishPoints(moments)
        const newestMs = this.#waiting.at(-1)?.timestampMs ?? last.timestampMs
        if (newestMs - last.timestampMs > MISSED_MS) continue
        await this.#options.publishTick(last.timestampMs)
      } catch (error) {
        this.#options.onFailed(points, error)
      }
    }
  }
}

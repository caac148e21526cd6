/**
 * Which ticks go behind a replayed stream. Pure.
 *
 * R1: a tick g is sent only after every point before g: all that follow are at g or later.
 * R2: a tick is sent when the stream crosses a line of the grid, one per crossing: where history
 *     has a hole, time jumps, and a jump of more than three ticks means "no data", never "silent".
 *     So years of sparse history cost no more ticks than they have points; and where the grid is
 *     coarser than live ticks, every step is such a jump, and one tick a slice of points is enough.
 * R3: after the last point time goes on for CLOSING_MS, so that open windows close, but never
 *     beyond the present.
 *
 * The grid is as fine as the densest file: between the 5 s of live ticks and five minutes.
 */
export const TICK_MS = 5_000
const COARSEST_TICK_MS = 300_000
export const CLOSING_MS = 600_000

export interface Density {
  readonly firstMs: number
  readonly lastMs: number
  readonly moments: number
}

/** Whole multiple of TICK_MS, from the mean step of the densest file. */
export const tickIntervalMs = (files: readonly Density[]): number => {
  const steps = files
    .filter(({ moments }) => moments > 1)
    .map(({ firstMs, lastMs, moments }) => (lastMs - firstMs) / (moments - 1))
  const finest = Math.min(COARSEST_TICK_MS, ...steps)
  return Math.max(TICK_MS, Math.round(finest / TICK_MS) * TICK_MS)
}

export class TickClock {
  readonly #intervalMs: number
  #lastMs = -Infinity

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** The tick that becomes due when the stream reaches a time, if any (R2). */
  reach(timestampMs: number): number | undefined {
    const tick = Math.floor(timestampMs / this.#intervalMs) * this.#intervalMs
    if (tick <= this.#lastMs) return undefined
    this.#lastMs = tick
    return tick
  }

  /** The ticks after the last point (R3). */
  close(lastPointMs: number, nowMs: number): number[] {
    const endMs = Math.min(lastPointMs + CLOSING_MS, nowMs)
    const ticks: number[] = []
    for (let at = lastPointMs + this.#intervalMs; at <= endMs; at += this.#intervalMs) {
      const tick = this.reach(at)
      if (tick !== undefined) ticks.push(tick)
    }
    const last = this.reach(endMs)
    return last === undefined ? ticks : [...ticks, last]
  }
}

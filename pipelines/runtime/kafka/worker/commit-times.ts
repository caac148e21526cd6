/** Durations of the latest commits, for their median and worst. */
const KEPT = 256

export class CommitTimes {
  count = 0
  readonly #keptMs = new Float64Array(KEPT)

  add(durationMs: number): void {
    this.#keptMs[this.count % KEPT] = durationMs
    this.count += 1
  }

  /** Of the latest 256 commits, in no order. */
  get latestMs(): Float64Array {
    return this.#keptMs.subarray(0, Math.min(this.count, KEPT))
  }

  /** Of the latest 256 commits, in ms; NaN before the first. */
  quantile(share: number): number {
    const known = this.latestMs.toSorted()
    return known[Math.min(known.length - 1, Math.floor(share * known.length))] ?? Number.NaN
  }
}

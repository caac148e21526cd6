/** Durations of the latest commits, for their median and worst. */
const KEPT = 256

export class CommitTimes {
  count = 0
  readonly #latestMs = new Float64Array(KEPT)

  add(durationMs: number): void {
    this.#latestMs[this.count % KEPT] = durationMs
    this.count += 1
  }

  /** Of the latest 256 commits, in ms; NaN before the first. */
  quantile(share: number): number {
    const known = this.#latestMs.subarray(0, Math.min(this.count, KEPT)).toSorted()
    return known[Math.min(known.length - 1, Math.floor(share * known.length))] ?? Number.NaN
  }
}

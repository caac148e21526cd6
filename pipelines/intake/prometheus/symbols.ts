/** Where the texts of a 2.0 request stand, each with its length in front. */
export class Symbols {
  count = 0
  #bounds = new Int32Array(2_048)

  clear(): void {
    this.count = 0
  }

  add(start: number, end: number): void {
    if (2 * this.count === this.#bounds.length) {
      const bounds = new Int32Array(2 * this.#bounds.length)
      bounds.set(this.#bounds)
      this.#bounds = bounds
    }
    this.#bounds[2 * this.count] = start
    this.#bounds[2 * this.count + 1] = end
    this.count += 1
  }

  startOf(symbol: number): number {
    return this.#bounds[2 * symbol]!
  }

  endOf(symbol: number): number {
    return this.#bounds[2 * symbol + 1]!
  }
}

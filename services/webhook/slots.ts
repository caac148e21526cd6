/** A fixed number of places; who finds none waits in line. */
export class Slots {
  readonly #count: number
  readonly #line: (() => void)[] = []
  #taken = 0

  constructor(count: number) {
    this.#count = count
  }

  get taken(): number {
    return this.#taken
  }

  take(): Promise<void> {
    if (this.#taken < this.#count) {
      this.#taken += 1
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#line.push(resolve))
  }

  /** The place goes to the next in line, if there is one. */
  give(): void {
    const next = this.#line.shift()
    if (next === undefined) this.#taken -= 1
    else next()
  }
}

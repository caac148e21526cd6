/** Faults overlap, but nobody kills what is dead: one fault at a time has a thing, first come first served. */
export class Locks {
  readonly #last = new Map<string, Promise<undefined>>()

  /**
   * Runs `work` alone among those who hold one of the same names. All are queued for at once, so that
   * faults have their turns in the order of the plan. Nobody who holds the broker waits for more.
   */
  async holding<Result>(names: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const before = names.map((name) => this.#last.get(name) ?? Promise.resolve(undefined))
    const { promise, resolve } = Promise.withResolvers<undefined>()
    for (const name of names) this.#last.set(name, promise)
    await Promise.all(before)
    try {
      return await work()
    } finally {
      resolve(undefined)
    }
  }
}

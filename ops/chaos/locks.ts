/** Faults overlap, but nobody kills what is dead: one fault at a time has a thing, first come first served. */
export class Locks {
  readonly #last = new Map<string, Promise<undefined>>()

  /** Runs `work` alone among those who hold the same name. */
  async holding<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name) ?? Promise.resolve(undefined)
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#last.set(
      name,
      before.then(() => promise),
    )
    await before
    try {
      return await work()
    } finally {
      resolve(undefined)
    }
  }
}

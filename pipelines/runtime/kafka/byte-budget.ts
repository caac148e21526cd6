/**
 * Bytes that many users of one process share, so that their sum is bounded however many they are.
 *
 * Nobody is refused what it needs to go on: a user that holds little goes on while the budget is
 * spent, or one that waits for the other's bytes would wait for ever. So the bound is the limit, and
 * per user what it may hold regardless.
 */
export class ByteBudget {
  readonly limitBytes: number
  #usedBytes = 0
  #users = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get isSpent(): boolean {
    return this.#usedBytes >= this.limitBytes
  }

  /** What each may ask for at once, so that all together do not exceed the limit. */
  get shareBytes(): number {
    return this.limitBytes / Math.max(1, this.#users)
  }

  /** One more user; call the answer when it is gone. What it holds is its own to give back. */
  join(): () => void {
    this.#users += 1
    let left = false
    return () => {
      if (left) return
      left = true
      this.#users -= 1
    }
  }

  /** Takes bytes, or with a negative number gives them back. */
  add(bytes: number): void {
    this.#usedBytes += bytes
  }
}

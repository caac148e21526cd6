/**
 * A token bucket that may go into debt: what a request costs is known only when its body has been
 * read, and a body larger than a second's share must come in at some time. Whoever owes waits.
 */
export class TokenBucket {
  readonly #perSecond: number
  readonly #capacity: number
  #tokens: number
  #atMs: number

  /** Full at first. */
  constructor({ perSecond, capacity }: BucketSize, nowMs: number) {
    this.#perSecond = perSecond
    this.#capacity = capacity
    this.#tokens = capacity
    this.#atMs = nowMs
  }

  take(count: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens -= count
  }

  /** What is there; negative is debt. */
  tokens(nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens
  }

  /** Seconds until so many are there. */
  secondsUntil(count: number, nowMs: number): number {
    const missing = count - this.tokens(nowMs)
    return missing <= 0 ? 0 : missing / this.#perSecond
  }

  #refill(nowMs: number): void {
    // A clock that was set back gives nothing, and takes nothing.
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#atMs = nowMs
    const gained = elapsedMs === 0 ? 0 : (elapsedMs / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#capacity, this.#tokens + gained)
  }
}

export interface BucketSize {
  readonly perSecond: number
  /** What may come at once. */
  readonly capacity: number
}

/**
 * Who has shown a wrong secret of a key again and again waits before it may show another: a right one
 * is not looked at either. Each address and key for itself, so that one sender whose key has expired
 * keeps nobody out who comes through the same proxy with another.
 */
import { TokenBucket } from '../limits/token-bucket.ts'

const MAX_REMEMBERED = 10_000
const SIZE = { perSecond: 1, capacity: 100 }

export class GuessLimit {
  readonly #wrong = new Map<string, TokenBucket>()

  /** Seconds until the next try is looked at; 0: now. */
  waitSeconds(address: string, keyId: string, nowMs: number): number {
    return this.#wrong.get(nameOf(address, keyId))?.secondsUntil(1, nowMs) ?? 0
  }

  wrong(address: string, keyId: string, nowMs: number): void {
    const name = nameOf(address, keyId)
    const bucket = this.#wrong.get(name) ?? new TokenBucket(SIZE, nowMs)
    bucket.take(1, nowMs)
    // The one that was wrong last stands last; the first is forgotten.
    this.#wrong.delete(name)
    this.#wrong.set(name, bucket)
    const [first] = this.#wrong.keys()
    if (this.#wrong.size > MAX_REMEMBERED && first !== undefined) this.#wrong.delete(first)
  }
}

const nameOf = (address: string, keyId: string): string => `${keyId} ${address}`

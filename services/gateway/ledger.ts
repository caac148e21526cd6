/**
 * Recent requests and records, so that a retry makes no second copy.
 *
 * L1: what is on its way is never forgotten: it is bounded by the intake. What is done is forgotten
 *     by age, and the oldest first beyond a number.
 * L2: what Kafka refused for good is forgotten: a retry is new.
 */
import type { EpochMs } from '../../schemas/topic.ts'
import type { IdentifiedRecord, IntakeBatch, Ledger, RequestIdentity, Taken } from './ports.ts'
import { gatewayProblem } from './problem.ts'

export interface MemoryLimits {
  readonly entries: number
  readonly ageMs: number
}

export interface RecentOptions {
  /** Whole requests, each with its answer. */
  readonly requests: MemoryLimits
  /** Ids of records. */
  readonly ids: MemoryLimits
  readonly nowMs: () => number
}

export class RecentLedger implements Ledger {
  readonly #requests: Memory<{ readonly content: string | undefined; readonly answer: unknown }>
  readonly #ids: Memory<undefined>

  constructor({ requests, ids, nowMs }: RecentOptions) {
    this.#requests = new Memory(requests, nowMs)
    this.#ids = new Memory(ids, nowMs)
  }

  get sizes(): { readonly requests: number; readonly ids: number } {
    return { requests: this.#requests.size, ids: this.#ids.size }
  }

  /** Ids that Kafka has, as its topics told at the start. */
  warm(known: readonly { readonly id: string; readonly atMs: EpochMs }[]): void {
    for (const { id, atMs } of known.toSorted((one, other) => one.atMs - other.atMs)) {
      this.#ids.done(id, { about: undefined, atMs })
    }
  }

  async once<Answer>(identity: RequestIdentity, take: () => Taken<Answer>): Promise<Answer> {
    const { sender, door, id, content } = identity
    const key = [sender.tenant, door, id].join('\u001f')
    const known = this.#requests.find(key)
    if (known !== undefined) {
      if (known.about.content !== content) throw reused(id)
      await known.batch?.acknowledged()
      // Whoever has the key of a request knows the type of its answer: the door is part of it.
      return known.about.answer as Answer
    }
    const { batch, answer } = take()
    this.#requests.pending(key, batch, { content, answer })
    await batch.acknowledged()
    return answer
  }

  async appendNew(batch: IntakeBatch, records: Iterable<IdentifiedRecord>): Promise<number> {
    const joined = new Set<IntakeBatch>([batch])
    let appended = 0
    for (const { id, record } of records) {
      const known = this.#ids.find(id)
      if (known === undefined) {
        batch.append(record())
        this.#ids.pending(id, batch, undefined)
        appended += 1
      } else if (known.batch !== undefined) {
        joined.add(known.batch)
      }
    }
    await Promise.all([...joined].map((each) => each.acknowledged()))
    return appended
  }
}

const reused = (id: string) =>
  gatewayProblem('identity-reused', 'this identity came before with another content', {
    at: { field: 'identity', value: id, limit: 'one content for each identity' },
  })

interface Entry<About> {
  readonly about: About
  /** Undefined when Kafka has all of it. */
  readonly batch: IntakeBatch | undefined
  readonly atMs: EpochMs
}

/** Forgotten places in the order: below, they are not worth a copy of the others. */
const COMPACT_FROM = 1_024

class Memory<About> {
  readonly #limits: MemoryLimits
  readonly #nowMs: () => number
  readonly #pending = new Map<string, Entry<About>>()
  readonly #done = new Map<string, Entry<About>>()
  /**
   * Those of `#done` in the order in which they were done, the first at `#first`. The map has that
   * order, too, but who asks it for its oldest entry steps over all that were deleted before.
   */
  #order: { readonly key: string; readonly entry: Entry<About> }[] = []
  #first = 0

  constructor(limits: MemoryLimits, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#pending.size + this.#done.size
  }

  find(key: string): Entry<About> | undefined {
    this.#forgetOld()
    return this.#pending.get(key) ?? this.#done.get(key)
  }

  pending(key: string, batch: IntakeBatch, about: About): void {
    this.#pending.set(key, { about, batch, atMs: this.#nowMs() })
    batch.settled.then(
      () => {
        this.#pending.delete(key)
        this.done(key, { about, atMs: this.#nowMs() })
      },
      () => {
        this.#pending.delete(key)
      },
    )
  }

  done(key: string, { about, atMs }: { readonly about: About; readonly atMs: EpochMs }): void {
    const entry = { about, batch: undefined, atMs }
    this.#done.set(key, entry)
    this.#order.push({ key, entry })
    this.#forgetOld()
  }

  #forgetOld(): void {
    const oldestMs = this.#nowMs() - this.#limits.ageMs
    for (; this.#first < this.#order.length; this.#first += 1) {
      const { key, entry } = this.#order[this.#first]!
      if (this.#done.size <= this.#limits.entries && entry.atMs >= oldestMs) break
      // The same key may have been done again since.
      if (this.#done.get(key) === entry) this.#done.delete(key)
    }
    if (this.#first < COMPACT_FROM || this.#first * 2 < this.#order.length) return
    this.#order = this.#order.slice(this.#first)
    this.#first = 0
  }
}

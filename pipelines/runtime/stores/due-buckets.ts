/**
 * What is due when, per tenant: members that share a due time share a bucket, in the order in which
 * they came. A member is in one bucket at most (D1), and a bucket without members goes, so that
 * tenants whose time never comes do not fill the memory.
 *
 * A bucket is a list through typed arrays, 8 bytes per member.
 */

import { capacityFor, grown } from './typed-arrays.ts'

const NONE = -1

interface Bucket {
  first: number
  last: number
}

export class DueBuckets {
  readonly #byTenant: (Map<number, Bucket> | undefined)[] = []
  #next = new Int32Array(64)
  #previous = new Int32Array(64)

  add(tenant: number, dueAtMs: number, member: number): void {
    if (member >= this.#next.length) {
      const capacity = capacityFor(member, this.#next.length)
      this.#next = grown(this.#next, new Int32Array(capacity))
      this.#previous = grown(this.#previous, new Int32Array(capacity))
    }
    const buckets = (this.#byTenant[tenant] ??= new Map<number, Bucket>())
    const bucket = buckets.get(dueAtMs)
    if (bucket === undefined) {
      buckets.set(dueAtMs, { first: member, last: member })
      this.#previous[member] = NONE
    } else {
      this.#next[bucket.last] = member
      this.#previous[member] = bucket.last
      bucket.last = member
    }
    this.#next[member] = NONE
  }

  /** The member, which is in the bucket, is no longer due then. */
  remove(tenant: number, dueAtMs: number, member: number): void {
    const buckets = this.#byTenant[tenant]
    const bucket = buckets?.get(dueAtMs)
    if (buckets === undefined || bucket === undefined) return
    const next = this.#next[member] as number
    const previous = this.#previous[member] as number
    if (previous === NONE) bucket.first = next
    else this.#next[previous] = next
    if (next === NONE) bucket.last = previous
    else this.#previous[next] = previous
    if (bucket.first === NONE) buckets.delete(dueAtMs)
  }

  /** Due times up to and including `clockMs`, ascending. */
  dueTimes(tenant: number, clockMs: number): number[] {
    const times: number[] = []
    for (const dueAtMs of this.#byTenant[tenant]?.keys() ?? []) {
      if (dueAtMs <= clockMs) times.push(dueAtMs)
    }
    return times.sort((left, right) => left - right)
  }

  /** The bucket's first member, or -1. */
  first(tenant: number, dueAtMs: number): number {
    return this.#byTenant[tenant]?.get(dueAtMs)?.first ?? NONE
  }
}

/**
 * What is due when, per tenant: slots that share a due time share a bucket.
 *
 * Members are not removed one by one; a bucket counts its live ones and goes when none is left, so
 * that tenants whose time never comes do not fill the memory. Whoever takes a bucket checks each
 * member against its own state.
 */

interface Bucket {
  readonly members: number[]
  live: number
}

export class DueBuckets {
  readonly #byTenant: (Map<number, Bucket> | undefined)[] = []

  add(tenant: number, dueAtMs: number, member: number): void {
    const buckets = (this.#byTenant[tenant] ??= new Map<number, Bucket>())
    const bucket = buckets.get(dueAtMs)
    if (bucket === undefined) buckets.set(dueAtMs, { members: [member], live: 1 })
    else {
      bucket.members.push(member)
      bucket.live += 1
    }
  }

  /** One member of the bucket is no longer due then. */
  remove(tenant: number, dueAtMs: number): void {
    const buckets = this.#byTenant[tenant]
    const bucket = buckets?.get(dueAtMs)
    if (bucket === undefined) return
    bucket.live -= 1
    if (bucket.live === 0) buckets?.delete(dueAtMs)
  }

  /** Due times up to and including `clockMs`, ascending. */
  dueTimes(tenant: number, clockMs: number): number[] {
    const times: number[] = []
    for (const dueAtMs of this.#byTenant[tenant]?.keys() ?? []) {
      if (dueAtMs <= clockMs) times.push(dueAtMs)
    }
    return times.sort((left, right) => left - right)
  }

  members(tenant: number, dueAtMs: number): readonly number[] {
    return this.#byTenant[tenant]?.get(dueAtMs)?.members ?? []
  }
}

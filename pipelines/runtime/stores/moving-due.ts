/**
 * Which slots come due when, per tenant, where due times move on with almost every record.
 *
 * A slot is queued once, at the due time it had then; when that comes up and the slot's own has
 * moved on, it is queued again there. So an active slot costs one look per length of its wait, not
 * one per record or tick. Due times share grid steps: a tick looks at steps, not at milliseconds.
 *
 * D1: a queued slot stands in exactly one bucket, and a bucket holds nothing else: slots leave by
 *     swapping places, so nothing piles up for tenants whose time never comes.
 */

const GRID_MS = 5_000

interface Bucket {
  readonly step: number
  readonly tenant: number
  readonly members: number[]
}

export class MovingDue {
  readonly #byTenant: (Map<number, Bucket> | undefined)[] = []
  readonly #bucketOf: (Bucket | undefined)[] = []
  readonly #placeOf: number[] = []

  /** Queues a slot that is not queued. */
  add(tenant: number, slot: number, dueAtMs: number): void {
    const step = Math.floor(dueAtMs / GRID_MS)
    const buckets = (this.#byTenant[tenant] ??= new Map<number, Bucket>())
    let bucket = buckets.get(step)
    if (bucket === undefined) buckets.set(step, (bucket = { step, tenant, members: [] }))
    this.#bucketOf[slot] = bucket
    this.#placeOf[slot] = bucket.members.push(slot) - 1
  }

  remove(slot: number): void {
    const bucket = this.#bucketOf[slot]
    if (bucket === undefined) return
    this.#bucketOf[slot] = undefined
    const { members, step, tenant } = bucket
    const last = members.pop() as number
    if (last !== slot) {
      const place = this.#placeOf[slot] as number
      members[place] = last
      this.#placeOf[last] = place
    }
    if (members.length === 0) this.#byTenant[tenant]?.delete(step)
  }

  /** Takes out the slots that are due at `clockMs` by `dueAtMs`; looks at few others. */
  takeDue(tenant: number, clockMs: number, dueAtMs: (slot: number) => number): number[] {
    const buckets = this.#byTenant[tenant]
    if (buckets === undefined) return []
    const lastStep = Math.floor(clockMs / GRID_MS)
    const reached = [...buckets.values()].filter(({ step }) => step <= lastStep)
    const due: number[] = []
    for (const { step, members } of reached) {
      buckets.delete(step)
      for (const slot of members) {
        this.#bucketOf[slot] = undefined
        if (dueAtMs(slot) <= clockMs) due.push(slot)
        else this.add(tenant, slot, dueAtMs(slot))
      }
    }
    return due
  }

  /** Slots that are queued: for tests and for looking into memory. */
  get size(): number {
    let size = 0
    for (const buckets of this.#byTenant) {
      for (const { members } of buckets?.values() ?? []) size += members.length
    }
    return size
  }
}

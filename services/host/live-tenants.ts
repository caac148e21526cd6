/** Whose clock is the wall clock: those that the configuration names, and those that send. */
import type { TenantSeen } from '../../schemas/generated/control-tenants.ts'
import type { EpochMs } from '../../schemas/topic.ts'

/** Each costs a record per partition and tick. */
export const MAX_LIVE_TENANTS = 1_000
/** As long as `control.tenants` keeps who was seen. */
const SEEN_FOR_MS = 2 * 86_400_000

export class LiveTenants {
  readonly #named: readonly string[]
  readonly #seenMs = new Map<string, EpochMs>()

  constructor(named: readonly string[]) {
    this.#named = named
  }

  /** False when there is no room for a further one. */
  add({ tenant, timestamp }: Pick<TenantSeen, 'tenant' | 'timestamp'>): boolean {
    const isNew = !this.#seenMs.has(tenant) && !this.#named.includes(tenant)
    if (isNew && this.at(timestamp).length >= MAX_LIVE_TENANTS) return false
    this.#seenMs.set(tenant, timestamp)
    return true
  }

  at(nowMs: EpochMs): string[] {
    for (const [tenant, seenMs] of this.#seenMs) {
      if (seenMs < nowMs - SEEN_FOR_MS) this.#seenMs.delete(tenant)
    }
    return [...new Set([...this.#named, ...this.#seenMs.keys()])]
  }
}

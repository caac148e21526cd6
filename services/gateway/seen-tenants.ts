/**
 * Says which tenants send, so that whoever beats the clock beats it for them, too: without ticks
 * their windows would never close. Once at first sight and then every few hours; the word goes with
 * the records of the request that it is about, so that it is acknowledged with them.
 */
import type { TenantSeen } from '../../schemas/generated/control-tenants.ts'
import type { OutgoingRecord } from '../shared/publisher.ts'

/** `control.tenants` forgets after two days. */
const REPEAT_MS = 6 * 3_600_000
const MAX_TENANTS = 10_000
/** Their clock is their own: a tick of the wall clock would end their history. */
const OWN_CLOCK = /^(replay|sim)-/

export interface SeenTenantsOptions {
  readonly recordOf: (seen: TenantSeen) => OutgoingRecord
  readonly nowMs: () => number
}

export class SeenTenants {
  readonly #options: SeenTenantsOptions
  readonly #saidMs = new Map<string, number>()

  constructor(options: SeenTenantsOptions) {
    this.#options = options
  }

  /** What is to be said of a tenant that sends, when it is time to. */
  word(tenant: string): OutgoingRecord | undefined {
    const { recordOf, nowMs } = this.#options
    const timestamp = nowMs()
    if (timestamp - (this.#saidMs.get(tenant) ?? -Infinity) < REPEAT_MS) return undefined
    if (OWN_CLOCK.test(tenant)) return undefined
    if (this.#saidMs.size >= MAX_TENANTS) this.#saidMs.clear()
    this.#saidMs.set(tenant, timestamp)
    return recordOf({ timestamp, tenant, origin: 'gateway' })
  }
}

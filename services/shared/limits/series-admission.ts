/**
 * How many series a tenant may have, and how fast it may bring new ones. Doors ask before they
 * remember a series that they have not seen.
 *
 * A1: a series that was admitted is admitted again for a day at least, whatever else happens.
 * A2: new ones take from a bucket that fills at the rate per minute and holds as many as the tenant
 *     may have in all: so after a restart, when nothing is known, the series there are come in at
 *     once; and no more than those.
 * A3: a tenant's series count for one to two days after they were last asked for; then they make
 *     room. Doors that remember a series ask again every hour in which it has points.
 * A4: all tenants together have a limit, too: that of memory.
 */
import { TokenBucket } from './token-bucket.ts'

export interface SeriesLimits {
  readonly total: number
  readonly newPerMinute: number
}

export interface SeriesAdmissionOptions {
  readonly limits: SeriesLimits
  /** In place of `limits`. */
  readonly byTenant: Readonly<Record<string, SeriesLimits>>
  readonly nowMs: () => number
  readonly onRefused: (reason: SeriesRefusal, tenant: string) => void
}

export type SeriesRefusal = 'tenant-total' | 'tenant-rate' | 'memory'

const GENERATION_MS = 24 * 3_600_000
const MAX_SERIES = 2_000_000
const MAX_TENANTS = 10_000

interface TenantSeries {
  readonly limits: SeriesLimits
  readonly fresh: TokenBucket
  /** Asked for in this generation, and in the one before. */
  now: Set<number>
  before: Set<number>
}

export class SeriesAdmission {
  readonly #options: SeriesAdmissionOptions
  readonly #tenants = new Map<string, TenantSeries>()
  #size = 0
  #turnMs: number

  constructor(options: SeriesAdmissionOptions) {
    this.#options = options
    this.#turnMs = options.nowMs() + GENERATION_MS
  }

  /** Series that count now, of all tenants. */
  get size(): number {
    return this.#size
  }

  /** @param seriesHash of 32 bits or more: two series with the same count as one */
  admit(tenant: string, seriesHash: number): boolean {
    const nowMs = this.#options.nowMs()
    if (nowMs >= this.#turnMs) this.#turn(nowMs)
    const series = this.#tenants.get(tenant) ?? this.#tenant(tenant, nowMs)
    if (series === undefined) return this.#refuse('memory', tenant)
    if (series.now.has(seriesHash)) return true
    if (series.before.delete(seriesHash)) {
      series.now.add(seriesHash)
      return true
    }
    if (series.now.size + series.before.size >= series.limits.total) {
      return this.#refuse('tenant-total', tenant)
    }
    if (series.fresh.tokens(nowMs) < 1) return this.#refuse('tenant-rate', tenant)
    if (this.#size >= MAX_SERIES) return this.#refuse('memory', tenant)
    series.fresh.take(1, nowMs)
    series.now.add(seriesHash)
    this.#size += 1
    return true
  }

  #tenant(tenant: string, nowMs: number): TenantSeries | undefined {
    if (this.#tenants.size >= MAX_TENANTS) return undefined
    const { limits: usual, byTenant } = this.#options
    const limits = Object.hasOwn(byTenant, tenant) ? (byTenant[tenant] ?? usual) : usual
    const size = { perSecond: limits.newPerMinute / 60, capacity: limits.total }
    const series = {
      limits,
      fresh: new TokenBucket(size, nowMs),
      now: new Set<number>(),
      before: new Set<number>(),
    }
    this.#tenants.set(tenant, series)
    return series
  }

  #turn(nowMs: number): void {
    this.#turnMs = nowMs + GENERATION_MS
    for (const [tenant, series] of this.#tenants) {
      this.#size -= series.before.size
      series.before = series.now
      series.now = new Set()
      if (series.before.size === 0) this.#tenants.delete(tenant)
    }
  }

  #refuse(reason: SeriesRefusal, tenant: string): false {
    this.#options.onRefused(reason, tenant)
    return false
  }
}

/** FNV-1a over the code units, 32 bits: series keys are long, and asked for with every point. */
export const hashOfSeries = (key: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}

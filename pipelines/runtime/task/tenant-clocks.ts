/**
 * The clocks of a task's tenants, moved by ticks alone.
 *
 * A tick comes from an origin: empty for `control.ticks`, else a task of the pipeline that wrote
 * the records at hand. A tenant's clock is the least of all its origins (invariant T1): no tick
 * overtakes data on its way through another task. Tenants are numbered, because rows of state
 * refer to them.
 */

export const CONTROL_ORIGIN = ''

/** Separate origins: what a task passed on to its repartition topic, and to its outputs. */
export const repartitionOrigin = (pipeline: string, partition: number): string =>
  `${pipeline}:repartition/${partition}`
export const outputOrigin = (pipeline: string, partition: number): string =>
  `${pipeline}/${partition}`

export class TenantClocks {
  /** Changed since last written. */
  dirty = false
  readonly #names: string[] = []
  readonly #indexes = new Map<string, number>()
  readonly #clocks: Map<string, number>[] = []
  readonly #sourceOrigins: readonly string[]
  readonly #repartitionOrigins: readonly string[]

  constructor(origins: {
    readonly source: readonly string[]
    readonly repartition: readonly string[]
  }) {
    this.#sourceOrigins = origins.source
    this.#repartitionOrigins = origins.repartition
  }

  get names(): readonly string[] {
    return this.#names
  }

  nameOf(tenant: number): string {
    return this.#names[tenant] ?? ''
  }

  /** Whether ticks of this origin move anything here. */
  knows(origin: string): boolean {
    return this.#sourceOrigins.includes(origin) || this.#repartitionOrigins.includes(origin)
  }

  indexOf(name: string): number {
    let index = this.#indexes.get(name)
    if (index === undefined) {
      index = this.#names.length
      this.#names.push(name)
      this.#indexes.set(name, index)
      this.#clocks.push(new Map())
      this.dirty = true
    }
    return index
  }

  /** Moves one origin forward; false when it stood there already. */
  advance(tenant: number, origin: string, timestampMs: number): boolean {
    const clocks = this.#clocks[tenant] as Map<string, number>
    if (timestampMs <= (clocks.get(origin) ?? Number.NEGATIVE_INFINITY)) return false
    clocks.set(origin, timestampMs)
    this.dirty = true
    return true
  }

  /** How far the sources have come: what may be passed on behind repartitioned records. */
  sourceClockMs(tenant: number): number {
    return this.#least(tenant, this.#sourceOrigins)
  }

  /** T1: the tenant's clock. */
  clockMs(tenant: number): number {
    return Math.min(this.sourceClockMs(tenant), this.#least(tenant, this.#repartitionOrigins))
  }

  *entries(): Generator<{ tenant: number; origin: string; timestamp: number }> {
    for (const [tenant, clocks] of this.#clocks.entries()) {
      for (const [origin, timestamp] of clocks) yield { tenant, origin, timestamp }
    }
  }

  #least(tenant: number, origins: readonly string[]): number {
    let least = Number.POSITIVE_INFINITY
    for (const origin of origins) {
      least = Math.min(least, this.#clocks[tenant]?.get(origin) ?? Number.NEGATIVE_INFINITY)
    }
    return least
  }
}

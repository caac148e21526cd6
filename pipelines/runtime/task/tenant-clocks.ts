/**
 * The clocks of a task's tenants, moved by ticks alone.
 *
 * A tick comes from an origin: empty for `control.ticks`, else a task of the pipeline that wrote
 * the records at hand. A tenant's clock is the least of all its origins (invariant T1): no tick
 * overtakes data on its way through another task. Tenants are numbered, because rows of state
 * refer to them.
 */

import { KEY_SEPARATOR } from '../../../schemas/topic.ts'
import { DirtyIds } from '../stores/dirty-ids.ts'

export const CONTROL_ORIGIN = ''

/** Separate origins: what a task passed on to its repartition topic, and to its outputs. */
export const repartitionOrigin = (pipeline: string, partition: number): string =>
  `${pipeline}:repartition/${partition}`
export const outputOrigin = (pipeline: string, partition: number): string =>
  `${pipeline}/${partition}`

/** Tenants are never forgotten, as rows refer to them by number: so many may come. */
const TENANT_LIMIT = 10_000
const MAX_TENANT_BYTES = 1_024

/** Why nobody can be called so; undefined for a good name. */
export const tenantFault = (name: string): string | undefined => {
  if (name === '') return 'the tenant is empty'
  if (name.includes(KEY_SEPARATOR)) return 'the tenant contains U+001F'
  const bytes = Buffer.byteLength(name)
  if (bytes <= MAX_TENANT_BYTES) return undefined
  return `the tenant has ${bytes} bytes; at most ${MAX_TENANT_BYTES} are taken`
}

export class TenantClocks {
  /** Tenants that are new, or whose clocks moved, since they were last written. */
  readonly dirty = new DirtyIds()
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

  hasRoomFor(name: string): boolean {
    return this.#names.length < TENANT_LIMIT || this.#indexes.has(name)
  }

  indexOf(name: string): number {
    let index = this.#indexes.get(name)
    if (index === undefined) {
      index = this.#names.length
      this.#names.push(name)
      this.#indexes.set(name, index)
      this.#clocks.push(new Map())
      this.dirty.add(index)
    }
    return index
  }

  /** Moves one origin forward; false when it stood there already. */
  advance(tenant: number, origin: string, timestampMs: number): boolean {
    const clocks = this.#clocks[tenant] as Map<string, number>
    if (timestampMs <= (clocks.get(origin) ?? Number.NEGATIVE_INFINITY)) return false
    clocks.set(origin, timestampMs)
    this.dirty.add(tenant)
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

  *entriesOf(tenant: number): Generator<{ tenant: number; origin: string; timestamp: number }> {
    for (const [origin, timestamp] of this.#clocks[tenant] ?? []) {
      yield { tenant, origin, timestamp }
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

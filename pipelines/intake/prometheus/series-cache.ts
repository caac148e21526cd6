/**
 * What is known of series, by the bytes in which a sender names them: those repeat with each scrape.
 * So labels are checked, and key and record built, once for a series; a sample costs a look-up.
 *
 * C1: one table for each tenant. Nothing that one tenant sends finds what another has sent.
 * C2: bounded by bytes, all tenants together. What does not fit makes the largest table start over:
 *     an order of use would cost more than the few that have to be built again.
 * C3: a series that is refused is not remembered: it may be admitted the next time.
 * C4: one that is remembered is asked for again in each hour: so it counts as one that lives.
 */
import { SchemaError } from '../../../schemas/errors.ts'
import { seriesKey } from '../../../schemas/series-key.ts'
import { murmur2In } from '../../runtime/record/murmur2.ts'
import { KeyTable } from '../../runtime/stores/key-table.ts'
import type { Arrival } from '../arrival.ts'
import { ByteSlab } from '../points/byte-slab.ts'
import { MAX_LABEL_BYTES } from './label-bytes.ts'
import { isRefusal, readLabels, type Refusal, type SeriesLabels } from './labels.ts'
import { hourOf, PreparedSeries, type PointFormat } from '../points/prepared-series.ts'

/** Undefined, or why it is not taken. */
export type AdmitSeries = (series: {
  readonly tenant: string
  readonly key: string
}) => Refusal | undefined

export interface SeriesCacheOptions {
  readonly format: PointFormat
  readonly limitBytes: number
  readonly admitSeries: AdmitSeries
}

/** Bytes that name a series, wherever they stand. */
export interface BytesWithView {
  readonly bytes: Buffer
  readonly view: DataView
}

/** Objects and tables of one series, beside its bytes. */
const SERIES_BYTES = 400

export class SeriesCache {
  readonly #options: SeriesCacheOptions
  readonly #tenants = new Map<string, TenantSeries>()
  #heldBytes = 0

  constructor(options: SeriesCacheOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get count(): number {
    let count = 0
    for (const { size } of this.#tenants.values()) count += size
    return count
  }

  of({ tenant, receivedAtMs }: Arrival): TenantSeries {
    let known = this.#tenants.get(tenant)
    if (known === undefined) {
      known = new TenantSeries(tenant, this.#options, (bytes) => {
        this.#hold(bytes)
      })
      this.#tenants.set(tenant, known)
    }
    known.hour = hourOf(receivedAtMs)
    return known
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    while (this.#heldBytes > this.#options.limitBytes) {
      let largest: TenantSeries | undefined
      for (const each of this.#tenants.values()) {
        if (each.heldBytes > (largest?.heldBytes ?? 0)) largest = each
      }
      if (largest === undefined) return
      this.#heldBytes -= largest.heldBytes
      largest.clear()
    }
  }
}

export class TenantSeries {
  heldBytes = 0
  /** Of the request at hand. */
  hour = 0
  readonly #tenant: string
  readonly #options: SeriesCacheOptions
  readonly #hold: (bytes: number) => void
  #table = new KeyTable()
  #series: PreparedSeries[] = []
  #slab = new ByteSlab()
  #latest = 0

  constructor(tenant: string, options: SeriesCacheOptions, hold: (bytes: number) => void) {
    this.#tenant = tenant
    this.#options = options
    this.#hold = hold
  }

  get size(): number {
    return this.#table.size
  }

  /** The series whose labels stand in [start, end), in the form of `labels.ts`. */
  find({ bytes, view }: BytesWithView, start: number, end: number): PreparedSeries | Refusal {
    if (end - start > MAX_LABEL_BYTES) {
      return { reason: `the labels of a series take more than ${MAX_LABEL_BYTES} bytes` }
    }
    let id = this.#table.findAfter(this.#latest, view, start, end)
    if (id < 0) {
      const hash = murmur2In(view, start, end)
      id = this.#table.find(hash, view, start, end)
      if (id < 0) return this.#add(hash, bytes, start, end)
      this.#table.noteAfter(this.#latest, id)
    }
    this.#latest = id
    const series = this.#series[id]!
    return series.askedHour === this.hour ? series : this.#askAgain(series)
  }

  /** C4 */
  #askAgain(series: PreparedSeries): PreparedSeries | Refusal {
    const key = series.key.toString()
    const refusal = this.#options.admitSeries({ tenant: this.#tenant, key })
    if (refusal !== undefined) return refusal
    series.askedHour = this.hour
    return series
  }

  clear(): void {
    this.heldBytes = 0
    this.#table = new KeyTable()
    this.#series = []
    this.#slab = new ByteSlab()
    this.#latest = 0
  }

  #add(hash: number, bytes: Buffer, start: number, end: number): PreparedSeries | Refusal {
    const labels = readLabels(bytes.subarray(start, end))
    if (isRefusal(labels)) return labels
    const series = this.#prepared(labels)
    if (isRefusal(series)) return series
    const id = this.#table.add(hash, bytes, start, end)
    if (this.#series.length > 0) this.#table.noteAfter(this.#latest, id)
    this.#series[id] = series
    this.#latest = id
    const heldBytes = end - start + series.sizeBytes + SERIES_BYTES
    this.heldBytes += heldBytes
    this.#hold(heldBytes)
    return series
  }

  #prepared(labels: SeriesLabels): PreparedSeries | Refusal {
    const tenant = this.#tenant
    const { admitSeries, format } = this.#options
    let key: string
    try {
      key = seriesKey({ tenant, name: labels.name, labels: labels.labels })
    } catch (error) {
      if (error instanceof SchemaError) return { reason: error.message }
      throw error
    }
    const refusal = admitSeries({ tenant, key })
    if (refusal !== undefined) return refusal
    const from = { slab: this.#slab, askedHour: this.hour }
    return new PreparedSeries({ ...labels, tenant, key }, format, from)
  }
}

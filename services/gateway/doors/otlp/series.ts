/**
 * Series by what names them in OTLP, with their record key and value made once: a point of a series that
 * is known costs two look-ups.
 *
 * C1: by tenant first. Nothing that one tenant sends finds what another has sent.
 * C2: bounded by bytes, all tenants together; then all start over.
 * C3: a series that is refused is not remembered.
 * C4: one that is remembered is asked for again in each hour: so it counts as one that lives.
 */
import type { Arrival } from '../../../../pipelines/intake/arrival.ts'
import { textOf } from '../../../../pipelines/intake/otlp/any-value.ts'
import type { KeyValue } from '../../../../pipelines/intake/otlp/messages.ts'
import { Expansion } from '../../../../pipelines/intake/otlp/expansion.ts'
import { labelsOf, type MetricFamily } from '../../../../pipelines/intake/otlp/metric-series.ts'
import type { PointSink } from '../../../../pipelines/intake/otlp/metrics.ts'
import { ByteSlab } from '../../../../pipelines/intake/points/byte-slab.ts'
import {
  hourOf,
  PreparedSeries,
  type PointFormat,
} from '../../../../pipelines/intake/points/prepared-series.ts'
import type { PointList } from '../../../../pipelines/intake/points/point-list.ts'
import { Rejected } from '../../../../pipelines/intake/otlp/rejections.ts'
import { seriesKey } from '../../../../schemas/series-key.ts'
import { KEY_SEPARATOR } from '../../../../schemas/topic.ts'
import { hashOfSeries } from '../../../shared/limits/series-admission.ts'
import type { DoorPorts } from '../../ports.ts'

export interface KnownSeriesOptions {
  readonly format: PointFormat
  readonly limitBytes: number
  readonly admitSeries: DoorPorts['admitSeries']
}

/** Of one metric of one resource and scope, by the attributes of their points. */
type Family = Map<string, PreparedSeries>
type Label = readonly [name: string, value: string]

/** Objects and table entries of one series, beside its bytes. */
const SERIES_BYTES = 400
const BYTES_PER_CHARACTER = 2

export class KnownSeries {
  readonly #options: KnownSeriesOptions
  readonly #tenants = new Map<string, Map<string, Family>>()
  #slab = new ByteSlab()
  #heldBytes = 0

  constructor(options: KnownSeriesOptions) {
    this.#options = options
  }

  /** Where the points of one request go. */
  sink({ tenant, receivedAtMs }: Arrival, points: PointList): PointSink<PreparedSeries> {
    const hour = hourOf(receivedAtMs)
    const families = new Map<MetricFamily, Family>()
    const expansion = new Expansion()
    return {
      series: (family, attributes, label) => {
        let series = families.get(family)
        if (series === undefined) {
          series = this.#familyOf(tenant, family)
          families.set(family, series)
        }
        const name = nameOf(attributes ?? [], label)
        const known = series.get(name)
        if (known === undefined) {
          expansion.copies(family.source.weight)
          return this.#add(series, name, { tenant, hour, family, attributes, label })
        }
        if (known.askedHour !== hour) {
          this.#admit(tenant, known.key.toString(), family.name)
          known.askedHour = hour
        }
        return known
      },
      point: (series, timestamp, value) => {
        points.add(series, timestamp, value)
      },
    }
  }

  #familyOf(tenant: string, { name, unit, kind, source }: MetricFamily): Family {
    let families = this.#tenants.get(tenant)
    if (families === undefined) {
      families = new Map()
      this.#tenants.set(tenant, families)
    }
    const key = JSON.stringify([name, unit, kind, source.labels])
    let family = families.get(key)
    if (family === undefined) {
      family = new Map()
      families.set(key, family)
      this.#hold(key.length * BYTES_PER_CHARACTER + SERIES_BYTES)
    }
    return family
  }

  /** @throws SchemaError for a series that cannot have a key, Rejected for one too many */
  #add(
    known: Family,
    name: string,
    point: {
      readonly tenant: string
      readonly hour: number
      readonly family: MetricFamily
      readonly attributes: readonly KeyValue[] | null | undefined
      readonly label: Label | undefined
    },
  ): PreparedSeries {
    const { tenant, hour, family } = point
    const labels = labelsOf(family, point.attributes, point.label)
    const key = seriesKey({ tenant, name: family.name, labels })
    const { name: metric, unit, kind } = family
    this.#admit(tenant, key, metric)
    const named = { tenant, key, name: metric, labels, unit, kind }
    const from = { slab: this.#slab, askedHour: hour }
    const series = new PreparedSeries(named, this.#options.format, from)
    known.set(name, series)
    this.#hold(name.length * BYTES_PER_CHARACTER + series.sizeBytes + SERIES_BYTES)
    return series
  }

  /** @throws Rejected */
  #admit(tenant: string, key: string, metric: string): void {
    if (this.#options.admitSeries(tenant, hashOfSeries(key))) return
    throw new Rejected('more series than the tenant may have', `metric '${metric.slice(0, 100)}'`)
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    if (this.#heldBytes <= this.#options.limitBytes) return
    this.#tenants.clear()
    this.#slab = new ByteSlab()
    this.#heldBytes = 0
  }
}

/**
 * The attributes as one text. Only names of series that can be are remembered, whose parts hold no
 * separator: so texts of as many attributes are the same only if their parts are.
 */
const nameOf = (attributes: readonly KeyValue[], label: Label | undefined): string => {
  let name = String(attributes.length)
  for (const { key, value } of attributes) {
    name += KEY_SEPARATOR + (key ?? '') + KEY_SEPARATOR + (value?.stringValue ?? textOf(value))
  }
  return label === undefined ? name : name + KEY_SEPARATOR + label[1]
}

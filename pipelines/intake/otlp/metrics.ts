/**
 * Metrics of OTLP as points of `telemetry.metrics`.
 *
 * P1: a point is taken whole or not at all: a histogram whose one bucket cannot be is refused with all
 *     its series.
 * P2: values stand as they were sent; `kind` says what they are. Nothing is summed, so nothing has to be
 *     remembered between requests.
 * P3: a point that says that nothing was recorded, and a quantile of nothing, are no points and no
 *     faults: the series falls silent, which is what it is.
 *
 * A sink is given each point with its family and attributes rather than a record, since who writes the
 * same series again and again need not make its labels again.
 */
import type { MetricKind } from '../../../schemas/generated/telemetry-metrics.ts'
import type { EpochMs } from '../../../schemas/topic.ts'
import type { Arrival } from '../arrival.ts'
import { Expansion, weightOf } from './expansion.ts'
import { exponentialParts, histogramParts, summaryParts, type HistogramPart } from './histograms.ts'
import {
  isGiven,
  type KeyValue,
  type Metric,
  type MetricsRequest,
  type NumberPoint,
} from './messages.ts'
import {
  identifying,
  resourceAttributes,
  sourceOf,
  type MetricFamily,
  type MetricSource,
} from './metric-series.ts'
import { attempt, Rejected, type Rejection } from './rejections.ts'
import { checkedTime, isSet, msOf } from './times.ts'

type AttributeList = readonly KeyValue[] | null | undefined

/** Where points go. `Series` is whatever it knows a series by. */
export interface PointSink<Series> {
  /**
   * @param label of the point, beside its attributes: `le`, `quantile`
   * @throws SchemaError, Rejected for a series that cannot be taken
   */
  series(
    family: MetricFamily,
    attributes: AttributeList,
    label?: readonly [name: string, value: string],
  ): Series
  point(series: Series, timestamp: EpochMs, value: number): void
}

const MAX_UNIT_CHARACTERS = 256
/** What the labels of a scope cost: large maps are copied slowly. */
const SCOPE_COPIES = 8
const CUMULATIVE = 2
const DELTA = 1
/** DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK */
const NO_RECORDED_VALUE = 1

export const writePoints = <Series>(
  { resourceMetrics }: MetricsRequest,
  arrival: Arrival,
  sink: PointSink<Series>,
): Rejection[] => {
  const walk = new MetricWalk(arrival, sink)
  for (const { resource, scopeMetrics } of resourceMetrics ?? []) {
    const attributes = resourceAttributes(resource)
    const weight = weightOf(attributes)
    const resourceLabels = identifying(attributes)
    for (const { scope, metrics } of scopeMetrics ?? []) {
      walk.expansion.copies(SCOPE_COPIES * weight)
      const source = sourceOf(resourceLabels, scope)
      for (const metric of metrics ?? []) walk.metric(metric, source)
    }
    walk.targetInfo({ labels: attributes, weight })
  }
  return walk.rejected
}

class MetricWalk<Series> {
  readonly rejected: Rejection[] = []
  readonly expansion = new Expansion()
  readonly #arrival: Arrival
  readonly #sink: PointSink<Series>
  /** Of the points of this resource. */
  #newest: EpochMs | undefined

  constructor(arrival: Arrival, sink: PointSink<Series>) {
    this.#arrival = arrival
    this.#sink = sink
  }

  metric(metric: Metric, source: MetricSource): void {
    const { gauge, sum, histogram, exponentialHistogram, summary } = metric
    // Its families are looked up by all that names them.
    this.expansion.copies(source.weight)
    if (isGiven(gauge)) {
      this.#numbers(metric, gauge.dataPoints, familyOf(metric, source, 'gauge'))
    }
    if (isGiven(sum)) {
      const kind = sumKind(sum.aggregationTemporality ?? 0, sum.isMonotonic ?? false)
      this.#numbers(metric, sum.dataPoints, familyOf(metric, source, kind))
    }
    const parts = new PartFamilies(metric, source)
    if (isGiven(histogram)) {
      const kind = countKind(histogram.aggregationTemporality ?? 0)
      this.#parted(metric, histogram.dataPoints, parts, (point) => histogramParts(point, kind))
    }
    if (isGiven(exponentialHistogram)) {
      const kind = countKind(exponentialHistogram.aggregationTemporality ?? 0)
      this.#parted(metric, exponentialHistogram.dataPoints, parts, (point) =>
        exponentialParts(point, kind),
      )
    }
    if (isGiven(summary)) this.#parted(metric, summary.dataPoints, parts, summaryParts)
  }

  /** After the points of a resource; not where it has none. */
  targetInfo(source: MetricSource): void {
    const newest = this.#newest
    this.#newest = undefined
    if (newest === undefined) return
    const family: MetricFamily = { name: 'target_info', unit: null, kind: 'gauge', source }
    // Nobody asked for it, so nobody is told: a resource may have more to say than a key can hold.
    const series = attempt([], () => this.#sink.series(family, undefined))
    if (series !== undefined) this.#sink.point(series, newest, 1)
  }

  #numbers(
    metric: Metric,
    points: readonly NumberPoint[] | null | undefined,
    family: MetricFamily,
  ) {
    this.expansion.items(points?.length ?? 0)
    for (const point of points ?? []) {
      attempt(this.rejected, () => {
        if (!isRecorded(point)) return
        const timestamp = this.#timeOf(metric, point.timeUnixNano)
        const value = valueOf(metric, point)
        this.#take(this.#sink.series(checked(family), point.attributes), timestamp, value)
      })
    }
  }

  #parted<Point extends PartedPoint>(
    metric: Metric,
    points: readonly Point[] | null | undefined,
    families: PartFamilies,
    partsOf: (point: Point) => HistogramPart[],
  ): void {
    this.expansion.items(points?.length ?? 0)
    for (const point of points ?? []) {
      attempt(this.rejected, () => {
        if (!isRecorded(point)) return
        const timestamp = this.#timeOf(metric, point.timeUnixNano)
        const parts = partsOf(point)
        this.expansion.copies(parts.length * (point.attributes?.length ?? 0))
        // P1: every series is there before the first point is written.
        const series = parts.map(({ suffix, kind, label }) =>
          this.#sink.series(checked(families.of(suffix, kind)), point.attributes, label),
        )
        parts.forEach(({ value }, index) => {
          this.#take(series[index]!, timestamp, value)
        })
      })
    }
  }

  #timeOf({ name }: Metric, nanos: bigint | null | undefined): EpochMs {
    if (!isSet(nanos)) throw new Rejected('no time', `time_unix_nano of ${shown(name)} is 0`)
    checkedTime(`time_unix_nano of ${shown(name)}`, nanos, this.#arrival.receivedAtMs)
    return msOf(nanos)
  }

  #take(series: Series, timestamp: EpochMs, value: number): void {
    this.#sink.point(series, timestamp, value)
    if (this.#newest === undefined || timestamp > this.#newest) this.#newest = timestamp
  }
}

interface PartedPoint {
  readonly attributes?: KeyValue[] | null
  readonly timeUnixNano?: bigint | null
  readonly flags?: number | null
}

/** The families of a histogram, made when they are first needed. */
class PartFamilies {
  readonly #metric: Metric
  readonly #source: MetricSource
  readonly #families = new Map<string, MetricFamily>()

  constructor(metric: Metric, source: MetricSource) {
    this.#metric = metric
    this.#source = source
  }

  of(suffix: HistogramPart['suffix'], kind: MetricKind): MetricFamily {
    const known = this.#families.get(suffix)
    if (known !== undefined) return known
    const whole = familyOf(this.#metric, this.#source, kind)
    const counts = suffix === '_count' || suffix === '_bucket'
    const family = { ...whole, name: whole.name + suffix, unit: counts ? '1' : whole.unit }
    this.#families.set(suffix, family)
    return family
  }
}

const familyOf = (metric: Metric, source: MetricSource, kind: MetricKind): MetricFamily => {
  const unit = metric.unit ?? ''
  return { name: metric.name ?? '', unit: unit === '' ? null : unit, kind, source }
}

const checked = (family: MetricFamily): MetricFamily => {
  if (family.unit === null || family.unit.length <= MAX_UNIT_CHARACTERS) return family
  throw new Rejected('a unit of more than 256 characters', `${shown(family.name)} has one`)
}

/** A sum that may fall is a level: what is in a queue, kept by adding and subtracting. */
const sumKind = (temporality: number, isMonotonic: boolean): MetricKind => {
  if (temporality === DELTA) return 'delta'
  if (temporality === CUMULATIVE) return isMonotonic ? 'counter' : 'gauge'
  return 'unspecified'
}

const countKind = (temporality: number): MetricKind => sumKind(temporality, true)

const isRecorded = ({ flags }: { readonly flags?: number | null }): boolean =>
  ((flags ?? 0) & NO_RECORDED_VALUE) === 0

const valueOf = ({ name }: Metric, { asDouble, asInt }: NumberPoint): number => {
  if (isGiven(asInt)) return Number(asInt)
  if (!isGiven(asDouble)) throw new Rejected('a point without a value', `one of ${shown(name)}`)
  if (Number.isFinite(asDouble)) return asDouble
  throw new Rejected('a value that is not finite', `${shown(name)} is ${String(asDouble)}`)
}

const shown = (name: string | null | undefined): string => `metric '${(name ?? '').slice(0, 100)}'`

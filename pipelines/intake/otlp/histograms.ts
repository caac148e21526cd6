/**
 * Histograms and summaries as the series that users of Prometheus know: NAME_count, NAME_sum,
 * NAME_bucket{le} with cumulative counts, NAME{quantile}; and NAME_min, NAME_max where they were sent.
 */
import type { MetricKind } from '../../../schemas/generated/telemetry-metrics.ts'
import { boundText, cumulativeBuckets } from '../exponential-buckets.ts'
import {
  isGiven,
  type ExponentialPoint,
  type HistogramPoint,
  type SummaryPoint,
} from './messages.ts'
import { Rejected } from './rejections.ts'

export interface HistogramPart {
  readonly suffix: '_count' | '_sum' | '_min' | '_max' | '_bucket' | ''
  readonly kind: MetricKind
  readonly label?: readonly [name: string, value: string]
  readonly value: number
}

const INFINITE_BOUND = '+Inf'
/** OTLP: scales outside have buckets that no double tells apart, or one for all. */
const MAX_SCALE = 20
const MIN_SCALE = -10

export const histogramParts = (point: HistogramPoint, kind: MetricKind): HistogramPart[] => {
  const counts = point.bucketCounts ?? []
  const bounds = point.explicitBounds ?? []
  if (counts.length > 0 && counts.length !== bounds.length + 1) {
    const found = `${String(counts.length)} counts for ${String(bounds.length)} bounds`
    throw malformed(`${found}, there is one more`)
  }
  const parts = commonParts(point, kind)
  let cumulative = 0
  counts.forEach((count, index) => {
    cumulative += Number(count)
    parts.push(
      bucket(index === bounds.length ? INFINITE_BOUND : bound(bounds, index), cumulative, kind),
    )
  })
  return parts
}

export const exponentialParts = (point: ExponentialPoint, kind: MetricKind): HistogramPart[] => {
  const scale = point.scale ?? 0
  if (scale > MAX_SCALE || scale < MIN_SCALE) {
    throw malformed(`scale is ${String(scale)}, from -10 to 20 are taken`)
  }
  const negative = (point.negative?.bucketCounts ?? []).reduce(
    (sum, count) => sum + Number(count),
    0,
  )
  const offset = point.positive?.offset ?? 0
  // Bucket i ends at 2 ** ((i + 1) / 2 ** scale).
  const width = 2 ** -scale
  const buckets = cumulativeBuckets(
    (point.positive?.bucketCounts ?? []).map(
      (count, index) => [(offset + index + 1) * width, Number(count)] as const,
    ),
    negative + Number(point.zeroCount ?? 0n),
  )
  return [
    ...commonParts(point, kind),
    ...buckets.map(({ le, count }) => bucket(le, count, kind)),
    bucket(INFINITE_BOUND, Number(point.count ?? 0n), kind),
  ]
}

export const summaryParts = (point: SummaryPoint): HistogramPart[] => [
  { suffix: '_count', kind: 'counter', value: Number(point.count ?? 0n) },
  { suffix: '_sum', kind: 'counter', value: finite('sum', point.sum ?? 0) },
  ...(point.quantileValues ?? []).flatMap(({ quantile, value }): HistogramPart[] =>
    // Of no observations there is no quantile, which is NaN.
    !isGiven(value) || Number.isNaN(value)
      ? []
      : [
          {
            suffix: '',
            kind: 'gauge',
            label: ['quantile', boundText(finite('quantile', quantile ?? 0))],
            value: finite('value of a quantile', value),
          },
        ],
  ),
]

const commonParts = (
  { count, sum, min, max }: HistogramPoint | ExponentialPoint,
  kind: MetricKind,
): HistogramPart[] => {
  const parts: HistogramPart[] = [{ suffix: '_count', kind, value: Number(count ?? 0n) }]
  // Left out by the sender where observations may be negative: a sum that falls is no counter.
  if (isGiven(sum)) parts.push({ suffix: '_sum', kind, value: finite('sum', sum) })
  if (isGiven(min)) parts.push({ suffix: '_min', kind: 'gauge', value: finite('min', min) })
  if (isGiven(max)) parts.push({ suffix: '_max', kind: 'gauge', value: finite('max', max) })
  return parts
}

const bucket = (le: string, value: number, kind: MetricKind): HistogramPart => ({
  suffix: '_bucket',
  kind,
  label: ['le', le],
  value,
})

const bound = (bounds: readonly number[], index: number): string => {
  const current = finite('a bound', bounds[index]!)
  if (index > 0 && bounds[index - 1]! >= current) {
    throw malformed(`bound ${String(current)} stands behind ${String(bounds[index - 1])}`)
  }
  return boundText(current)
}

const finite = (what: string, value: number): number => {
  if (Number.isFinite(value)) return value
  throw new Rejected(
    'a value that is not finite',
    `${what} of a histogram or summary is ${String(value)}`,
  )
}

const malformed = (detail: string): Rejected =>
  new Rejected('a histogram whose buckets do not fit together', detail)

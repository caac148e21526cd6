/** What a sender tells of a metric besides its values: unit and type, of the whole family of its series. */
import type { MetricKind } from '../../../schemas/generated/telemetry-metrics.ts'

/** Of `Metadata.type`, as text. */
export const METRIC_TYPES = {
  counter: '1',
  gauge: '2',
  histogram: '3',
  gaugeHistogram: '4',
  summary: '5',
  info: '6',
  stateSet: '7',
} as const

/** The unit of a histogram is not the one of its counts. */
const WITHOUT_UNIT = /_(count|bucket|created|info)$/
const TOTALS = /_(count|sum|bucket)$/

/** Where the sender does not tell, the ends of names that OpenMetrics keeps for counters and buckets do. */
export const metricKind = (
  name: string,
  labels: Readonly<Record<string, string>>,
  type: string | undefined,
): MetricKind => {
  switch (type) {
    case METRIC_TYPES.counter:
      return 'counter'
    case METRIC_TYPES.histogram:
      return TOTALS.test(name) ? 'counter' : 'unspecified'
    case METRIC_TYPES.summary:
      return TOTALS.test(name) ? 'counter' : 'gauge'
    case METRIC_TYPES.gauge:
    case METRIC_TYPES.gaugeHistogram:
    case METRIC_TYPES.info:
    case METRIC_TYPES.stateSet:
      return 'gauge'
    default: {
      const isBucket = name.endsWith('_bucket') && Object.hasOwn(labels, 'le')
      return name.endsWith('_total') || isBucket ? 'counter' : 'unspecified'
    }
  }
}

/** Units of OpenMetrics are words, ours are those of UCUM, as OpenTelemetry has them. */
const UCUM: Readonly<Record<string, string>> = {
  seconds: 's',
  milliseconds: 'ms',
  bytes: 'By',
  ratio: '1',
  percent: '%',
  celsius: 'Cel',
  meters: 'm',
  grams: 'g',
  volts: 'V',
  amperes: 'A',
  joules: 'J',
  watts: 'W',
  hertz: 'Hz',
}

export const ucumUnit = (name: string, unit: string | undefined): string | null => {
  if (unit === undefined || WITHOUT_UNIT.test(name)) return null
  return Object.hasOwn(UCUM, unit) ? UCUM[unit]! : unit
}

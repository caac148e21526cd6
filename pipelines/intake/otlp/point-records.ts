/** Points of OTLP as whole records, for who writes each once. */
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../../schemas/series-key.ts'
import type { Arrival } from '../arrival.ts'
import { Expansion } from './expansion.ts'
import type { MetricsRequest } from './messages.ts'
import { labelsOf } from './metric-series.ts'
import { writePoints } from './metrics.ts'
import type { Rejection } from './rejections.ts'

export const mapMetrics = (
  request: MetricsRequest,
  arrival: Arrival,
): { readonly records: MetricPoint[]; readonly rejected: Rejection[] } => {
  const { tenant } = arrival
  const records: MetricPoint[] = []
  const expansion = new Expansion()
  const rejected = writePoints<Omit<MetricPoint, 'timestamp' | 'value'>>(request, arrival, {
    series: (family, attributes, label) => {
      const { name, unit, kind } = family
      expansion.copies(family.source.weight)
      const labels = labelsOf(family, attributes, label)
      // Throws for a series that cannot have a key.
      seriesKey({ tenant, name, labels })
      return { tenant, name, labels, unit, kind }
    },
    point: (series, timestamp, value) => {
      records.push({ timestamp, value, ...series })
    },
  })
  return { records, rejected }
}

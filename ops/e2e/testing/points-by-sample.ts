/** Points as Prometheus knows them: a sample is a series and a time. */
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../../schemas/series-key.ts'

export interface StoredSample {
  readonly value: number
  /** How often it is there. */
  readonly count: number
}

export const pointsBySample = (
  points: Iterable<MetricPoint>,
): ReadonlyMap<string, StoredSample> => {
  const samples = new Map<string, StoredSample>()
  for (const point of points) {
    const sample = `${seriesKey(point)} @ ${String(point.timestamp)}`
    samples.set(sample, { value: point.value, count: (samples.get(sample)?.count ?? 0) + 1 })
  }
  return samples
}

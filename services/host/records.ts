/** Moments and ticks as records of telemetry.metrics and control.ticks. */
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../schemas/series-key.ts'
import { controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import type { OutgoingRecord } from '../shared/publisher.ts'
import type { Moment } from './outbox.ts'

export interface RecordFormat {
  readonly tenant: string
  readonly host: string
  readonly partitions: { readonly metrics: number; readonly ticks: number }
  readonly encodePoint: (point: MetricPoint) => Buffer
  readonly encodeTick: (tick: Tick) => Buffer
}

export const LIVE_ORIGIN = 'live'

export const pointRecords = (
  { timestampMs: timestamp, readings }: Moment,
  { tenant, host, partitions, encodePoint }: RecordFormat,
): OutgoingRecord[] =>
  readings.map(({ name, value, unit, labels: own }) => {
    const labels = { ...own, host }
    const key = Buffer.from(seriesKey({ tenant, name, labels }), 'utf8')
    return {
      topic: telemetryMetrics.name,
      partition: toPartition(murmur2(key), partitions.metrics),
      key,
      value: encodePoint({ timestamp, value, tenant, name, labels, unit }),
    }
  })

/** One per tenant and partition: every task sees the time of every tenant. */
export const tickRecords = (
  timestamp: number,
  tenants: readonly string[],
  { partitions, encodeTick }: Pick<RecordFormat, 'partitions' | 'encodeTick'>,
): OutgoingRecord[] =>
  tenants.flatMap((tenant) => {
    const tick: Tick = { timestamp, tenant, origin: LIVE_ORIGIN }
    const key = Buffer.from(controlTicks.keyOf(tick), 'utf8')
    const value = encodeTick(tick)
    return Array.from({ length: partitions.ticks }, (_, partition) => ({
      topic: controlTicks.name,
      partition,
      key,
      value,
    }))
  })

// Generated from signals.rollups.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** What one series did in one window `[windowStart, windowEnd)` of event time. */
export interface Rollup {
  /** Begin of the window, inclusive. */
  readonly windowStart: EpochMs
  /** End of the window, exclusive. */
  readonly windowEnd: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Identity of the series: the first 32 hex digits of the SHA-256 of its series key. */
  readonly series: string
  /** Metric name, e.g. `system.cpu.utilization`. */
  readonly name: string
  /** Labels that, with tenant and name, identify the series. */
  readonly labels: Readonly<Record<string, string>>
  /** Number of points in the window; at least 1. */
  readonly count: number
  /** Sum of the values. */
  readonly sum: number
  /** Smallest value. */
  readonly min: number
  /** Largest value. */
  readonly max: number
  /** Arithmetic mean of the values. */
  readonly mean: number
  /** Mergeable quantile sketch with 1% relative error; its layout is described beside the rollups pipeline. */
  readonly sketch: Buffer
}

/** The Avro schema of Rollup, as it stands in signals.rollups.avsc. */
export const rollupSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'Rollup',
  doc: 'What one series did in one window `[windowStart, windowEnd)` of event time.',
  fields: [
    {
      name: 'windowStart',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Begin of the window, inclusive.',
    },
    {
      name: 'windowEnd',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'End of the window, exclusive.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'series',
      type: 'string',
      doc: 'Identity of the series: the first 32 hex digits of the SHA-256 of its series key.',
    },
    {
      name: 'name',
      type: 'string',
      doc: 'Metric name, e.g. `system.cpu.utilization`.',
    },
    {
      name: 'labels',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Labels that, with tenant and name, identify the series.',
    },
    {
      name: 'count',
      type: 'long',
      doc: 'Number of points in the window; at least 1.',
    },
    {
      name: 'sum',
      type: 'double',
      doc: 'Sum of the values.',
    },
    {
      name: 'min',
      type: 'double',
      doc: 'Smallest value.',
    },
    {
      name: 'max',
      type: 'double',
      doc: 'Largest value.',
    },
    {
      name: 'mean',
      type: 'double',
      doc: 'Arithmetic mean of the values.',
    },
    {
      name: 'sketch',
      type: 'bytes',
      doc: 'Mergeable quantile sketch with 1% relative error; its layout is described beside the rollups pipeline.',
    },
  ],
}

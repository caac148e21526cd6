// Generated from telemetry.metrics.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** One value of one metric series. `timestamp` and `value` come first, so that a hot loop may stop decoding there. */
export interface MetricPoint {
  /** Event time: when the value was measured, UTC. */
  readonly timestamp: EpochMs
  /** The measured value, finite, in `unit`. */
  readonly value: number
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Metric name, e.g. `system.cpu.utilization`. */
  readonly name: string
  /** Labels that, with tenant and name, identify the series. */
  readonly labels: Readonly<Record<string, string>>
  /** UCUM unit as in OpenTelemetry (`By`, `s`, `1`); null when unknown. Not part of the identity of the series. */
  readonly unit: string | null
  /** How to read the values, which stand as they were sent: `gauge` is a level, also one that is kept by adding and subtracting; `counter` a running total that falls only when it starts anew; `delta` what was added since the point before; `unspecified` where the sender does not say. Not part of the identity of the series. */
  readonly kind: MetricKind
}

/** What successive values of a series have to do with each other. */
export type MetricKind = 'unspecified' | 'gauge' | 'counter' | 'delta'

/** The Avro schema of MetricPoint, as it stands in telemetry.metrics.avsc. */
export const metricPointSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'MetricPoint',
  doc: 'One value of one metric series. `timestamp` and `value` come first, so that a hot loop may stop decoding there.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time: when the value was measured, UTC.',
    },
    {
      name: 'value',
      type: 'double',
      doc: 'The measured value, finite, in `unit`.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
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
      name: 'unit',
      type: ['null', 'string'],
      doc: 'UCUM unit as in OpenTelemetry (`By`, `s`, `1`); null when unknown. Not part of the identity of the series.',
      default: null,
    },
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'MetricKind',
        doc: 'What successive values of a series have to do with each other.',
        symbols: ['unspecified', 'gauge', 'counter', 'delta'],
        default: 'unspecified',
      },
      doc: 'How to read the values, which stand as they were sent: `gauge` is a level, also one that is kept by adding and subtracting; `counter` a running total that falls only when it starts anew; `delta` what was added since the point before; `unspecified` where the sender does not say. Not part of the identity of the series.',
      default: 'unspecified',
    },
  ],
}

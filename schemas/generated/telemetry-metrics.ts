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
}

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
  ],
}

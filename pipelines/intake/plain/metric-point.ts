/**
 * `{"timestamp", "metric_name", "value", "labels": {"service", "environment", ...}}` as a point of
 * `telemetry.metrics`. What is no field of this shape is passed over.
 */
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { telemetryMetrics } from '../../../schemas/topics.ts'
import { BadInput } from '../bad-input.ts'
import type { Arrival } from '../arrival.ts'
import { Fields } from '../fields.ts'
import { eventTimeOf } from './event-time-of.ts'
import { labelTexts } from './label-texts.ts'
import { keyed } from './keyed.ts'
import { fieldOrLabel, MAX_NAME } from './where.ts'

const LABELS = { count: 64, name: MAX_NAME, value: 2_048, total: 131_072 }

export const metricPoint = (item: unknown, { tenant, receivedAtMs }: Arrival): MetricPoint => {
  const fields = new Fields(item)
  const labels = labelTexts(fields, 'labels', LABELS)
  for (const name of ['service', 'environment'] as const) {
    const value = fieldOrLabel(fields, name, labels)
    if (value !== undefined) labels.set(name, value)
  }
  return keyed(telemetryMetrics, {
    timestamp: eventTimeOf(fields, receivedAtMs),
    value: finiteNumber(fields, 'value'),
    tenant,
    name: fields.text('metric_name'),
    labels: Object.fromEntries(labels),
    unit: fields.optionalText('unit', MAX_NAME) ?? null,
    kind: 'unspecified',
  })
}

const finiteNumber = (fields: Fields, name: string): number => {
  const given = fields.get(name)
  const value = typeof given === 'bigint' ? Number(given) : given
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new BadInput(fields.pathOf(name), given, 'a finite number')
}

/** Moments and ticks of the wall clock as records of telemetry.metrics and control.ticks. */
import type { OutgoingRecord } from '../shared/publisher.ts'
import type { TelemetryRecords } from '../telemetry/telemetry-output.ts'
import type { Moment } from './outbox.ts'

export interface Whose {
  readonly tenant: string
  readonly host: string
}

const LIVE_ORIGIN = 'live'

export const pointRecords = (
  { timestampMs: timestamp, readings }: Moment,
  { tenant, host }: Whose,
  records: TelemetryRecords,
): OutgoingRecord[] =>
  readings.map(({ name, value, unit, labels }) =>
    records.ofPoint({
      timestamp,
      value,
      tenant,
      name,
      labels: { ...labels, host },
      unit,
      kind: 'gauge',
    }),
  )

export const tickRecords = (
  timestamp: number,
  tenants: readonly string[],
  records: TelemetryRecords,
): OutgoingRecord[] =>
  tenants.flatMap((tenant) => records.ofTick({ timestamp, tenant, origin: LIVE_ORIGIN }))

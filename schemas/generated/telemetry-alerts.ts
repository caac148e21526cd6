// Generated from telemetry.alerts.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** An alert of another system: that it fires, or that it is resolved. */
export interface Alert {
  /** Identity of the event: 32 hex digits, a hash of tenant, fingerprint, start and status. A repetition by the sender has the same. */
  readonly id: string
  /** Event time: when it began to fire or was resolved, UTC. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Identity of the alert at its source; for Alertmanager that of its labels. */
  readonly fingerprint: string
  /** Whether it fires. */
  readonly status: AlertStatus
  /** `alertname`. */
  readonly name: string
  /** Label `severity`, as sent. */
  readonly severity: string | null
  /** Service it is about, when its labels tell. */
  readonly service: string | null
  /** When it began to fire, UTC. */
  readonly startsAt: EpochMs
  /** When it was resolved, UTC; null while it fires. */
  readonly endsAt: EpochMs | null
  /** Its labels, as sent. */
  readonly labels: Readonly<Record<string, string>>
  /** Its annotations, as sent. */
  readonly annotations: Readonly<Record<string, string>>
  /** Where a person sees more. */
  readonly generatorUrl: string | null
  /** System it comes from: `alertmanager`, ... */
  readonly source: string
  /** Receiver of the source it was sent by. */
  readonly receiver: string | null
  /** Group of the source it was sent in. */
  readonly groupKey: string | null
}

/** Whether it fires. */
export type AlertStatus = 'firing' | 'resolved'

/** The Avro schema of Alert, as it stands in telemetry.alerts.avsc. */
export const alertSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'Alert',
  doc: 'An alert of another system: that it fires, or that it is resolved.',
  fields: [
    {
      name: 'id',
      type: 'string',
      doc: 'Identity of the event: 32 hex digits, a hash of tenant, fingerprint, start and status. A repetition by the sender has the same.',
    },
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time: when it began to fire or was resolved, UTC.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'fingerprint',
      type: 'string',
      doc: 'Identity of the alert at its source; for Alertmanager that of its labels.',
    },
    {
      name: 'status',
      type: {
        type: 'enum',
        name: 'AlertStatus',
        doc: 'Whether it fires.',
        symbols: ['firing', 'resolved'],
        default: 'firing',
      },
      doc: 'Whether it fires.',
      default: 'firing',
    },
    {
      name: 'name',
      type: 'string',
      doc: '`alertname`.',
    },
    {
      name: 'severity',
      type: ['null', 'string'],
      doc: 'Label `severity`, as sent.',
      default: null,
    },
    {
      name: 'service',
      type: ['null', 'string'],
      doc: 'Service it is about, when its labels tell.',
      default: null,
    },
    {
      name: 'startsAt',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'When it began to fire, UTC.',
    },
    {
      name: 'endsAt',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'When it was resolved, UTC; null while it fires.',
      default: null,
    },
    {
      name: 'labels',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Its labels, as sent.',
      default: {},
    },
    {
      name: 'annotations',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Its annotations, as sent.',
      default: {},
    },
    {
      name: 'generatorUrl',
      type: ['null', 'string'],
      doc: 'Where a person sees more.',
      default: null,
    },
    {
      name: 'source',
      type: 'string',
      doc: 'System it comes from: `alertmanager`, ...',
    },
    {
      name: 'receiver',
      type: ['null', 'string'],
      doc: 'Receiver of the source it was sent by.',
      default: null,
    },
    {
      name: 'groupKey',
      type: ['null', 'string'],
      doc: 'Group of the source it was sent in.',
      default: null,
    },
  ],
}

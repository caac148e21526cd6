// Generated from control.tenants.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** A tenant sends live telemetry: its windows need the ticks of the wall clock. Repeated while it goes on; who has not been seen for two days gets no ticks any more. */
export interface TenantSeen {
  /** When it was seen, UTC. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Who saw it: `gateway`. */
  readonly origin: string
}

/** The Avro schema of TenantSeen, as it stands in control.tenants.avsc. */
export const tenantSeenSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'TenantSeen',
  doc: 'A tenant sends live telemetry: its windows need the ticks of the wall clock. Repeated while it goes on; who has not been seen for two days gets no ticks any more.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'When it was seen, UTC.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'origin',
      type: 'string',
      doc: 'Who saw it: `gateway`.',
    },
  ],
}

// Generated from control.ticks.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** Time of one tenant has reached `timestamp`: how silence is noticed, in live runs and replays alike. Every partition gets each tick. */
export interface Tick {
  /** Event time the tenant has reached: no data before it is expected from this origin any more, except late data. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Who drives this clock: `live`, `replay-<name>`, or `<pipeline>/<partition>` for a tick passed on by a task. */
  readonly origin: string
}

/** The Avro schema of Tick, as it stands in control.ticks.avsc. */
export const tickSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'Tick',
  doc: 'Time of one tenant has reached `timestamp`: how silence is noticed, in live runs and replays alike. Every partition gets each tick.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time the tenant has reached: no data before it is expected from this origin any more, except late data.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'origin',
      type: 'string',
      doc: 'Who drives this clock: `live`, `replay-<name>`, or `<pipeline>/<partition>` for a tick passed on by a task.',
    },
  ],
}

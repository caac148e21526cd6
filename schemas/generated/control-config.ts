// Generated from control.config.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** One version of one part of the configuration; it takes effect at a record boundary and is kept for ever. */
export interface ConfigEntry {
  /** When the change was made, UTC. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** What is configured, e.g. `detectors`; with the tenant the key of the entry. */
  readonly scope: string
  /** Rises by one with each change of the scope. */
  readonly version: number
  /** The whole configuration of the scope as a JSON document. */
  readonly body: string
  /** Who made the change. */
  readonly actor: string
  /** Why the change was made, in the words of the actor. */
  readonly reason: string | null
}

/** The Avro schema of ConfigEntry, as it stands in control.config.avsc. */
export const configEntrySchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'ConfigEntry',
  doc: 'One version of one part of the configuration; it takes effect at a record boundary and is kept for ever.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'When the change was made, UTC.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'scope',
      type: 'string',
      doc: 'What is configured, e.g. `detectors`; with the tenant the key of the entry.',
    },
    {
      name: 'version',
      type: 'int',
      doc: 'Rises by one with each change of the scope.',
    },
    {
      name: 'body',
      type: 'string',
      doc: 'The whole configuration of the scope as a JSON document.',
    },
    {
      name: 'actor',
      type: 'string',
      doc: 'Who made the change.',
    },
    {
      name: 'reason',
      type: ['null', 'string'],
      doc: 'Why the change was made, in the words of the actor.',
      default: null,
    },
  ],
}

// Generated from control.keys.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** One API key as it was created or revoked; the latest entry per key is in force, and entries are kept for ever. */
export interface KeyEntry {
  /** When the key was created or revoked, UTC. */
  readonly timestamp: EpochMs
  /** Tenant that the key reads and writes; `*` for all of them. */
  readonly tenant: string
  /** Identity of the key, 12 hex digits. It stands in the key itself and is no secret. */
  readonly id: string
  /** Who or what uses the key, in words. */
  readonly name: string
  /** SHA-256 of the secret part, as hex digits. The secret itself is stored nowhere: it has 256 bits of randomness, so that no slow hash is needed to keep it from being guessed. */
  readonly secretSha256: string
  /** What the key may do: `viewer`, `operator`, `approver`, `admin`, each including those before it. */
  readonly roles: readonly string[]
  /** Telemetry that the key may write: `metrics`, `logs`, `traces`, `deployments`, `alerts`, `costs`. */
  readonly kinds: readonly string[]
  /** From when on the key is refused, UTC; null: never. */
  readonly expires: EpochMs | null
  /** `active` or `revoked`. A key that was revoked once stays so. */
  readonly state: string
  /** Who created or revoked the key. */
  readonly actor: string
  /** Why, in the words of the actor. */
  readonly reason: string | null
}

/** The Avro schema of KeyEntry, as it stands in control.keys.avsc. */
export const keyEntrySchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'KeyEntry',
  doc: 'One API key as it was created or revoked; the latest entry per key is in force, and entries are kept for ever.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'When the key was created or revoked, UTC.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant that the key reads and writes; `*` for all of them.',
    },
    {
      name: 'id',
      type: 'string',
      doc: 'Identity of the key, 12 hex digits. It stands in the key itself and is no secret.',
    },
    {
      name: 'name',
      type: 'string',
      doc: 'Who or what uses the key, in words.',
    },
    {
      name: 'secretSha256',
      type: 'string',
      doc: 'SHA-256 of the secret part, as hex digits. The secret itself is stored nowhere: it has 256 bits of randomness, so that no slow hash is needed to keep it from being guessed.',
    },
    {
      name: 'roles',
      type: {
        type: 'array',
        items: 'string',
      },
      doc: 'What the key may do: `viewer`, `operator`, `approver`, `admin`, each including those before it.',
    },
    {
      name: 'kinds',
      type: {
        type: 'array',
        items: 'string',
      },
      doc: 'Telemetry that the key may write: `metrics`, `logs`, `traces`, `deployments`, `alerts`, `costs`.',
    },
    {
      name: 'expires',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'From when on the key is refused, UTC; null: never.',
      default: null,
    },
    {
      name: 'state',
      type: 'string',
      doc: '`active` or `revoked`. A key that was revoked once stays so.',
    },
    {
      name: 'actor',
      type: 'string',
      doc: 'Who created or revoked the key.',
    },
    {
      name: 'reason',
      type: ['null', 'string'],
      doc: 'Why, in the words of the actor.',
      default: null,
    },
  ],
}

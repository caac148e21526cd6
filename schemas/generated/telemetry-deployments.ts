// Generated from telemetry.deployments.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** A deployment, or another change of a service, at one point of its life. */
export interface DeploymentEvent {
  /** Identity of the event: 32 hex digits, a hash of tenant, source and source id. A repetition by the sender has the same. */
  readonly id: string
  /** Event time: when the status was reached, by the clock of the sender, UTC. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Service that was changed. */
  readonly service: string
  /** Where: `production`, `staging`, ... */
  readonly environment: string | null
  /** Version that it leads to: a tag, an artifact, else the commit. */
  readonly version: string | null
  /** Where the change stands. */
  readonly status: DeploymentStatus
  /** What kind of change it is. */
  readonly kind: ChangeKind
  /** Git commit. */
  readonly commit: string | null
  /** Branch or tag. */
  readonly ref: string | null
  /** Who did it: person or robot. */
  readonly deployedBy: string | null
  /** When it began, UTC. */
  readonly startedAt: EpochMs | null
  /** When it ended, UTC. */
  readonly finishedAt: EpochMs | null
  /** Begin of the window it is planned for, UTC. */
  readonly plannedFrom: EpochMs | null
  /** End of the window it is planned for, UTC; exclusive. */
  readonly plannedTo: EpochMs | null
  /** Where a person sees more. */
  readonly url: string | null
  /** System it comes from: `gitlab`, `github`, `argocd`, `cdevents`, `ingest`, `cli`, ... */
  readonly source: string
  /** Identity that the source gave it, e.g. the delivery id. */
  readonly sourceId: string
  /** What else the sender said. Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What was changed. */
export type ChangeKind =
  | 'other'
  | 'deployment'
  | 'rollback'
  | 'removal'
  | 'configuration'
  | 'flag'
  | 'scaling'
  | 'infrastructure'
  | 'build'
  | 'merge'

/** Where a change stands. */
export type DeploymentStatus =
  'unknown' | 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/** The Avro schema of DeploymentEvent, as it stands in telemetry.deployments.avsc. */
export const deploymentEventSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'DeploymentEvent',
  doc: 'A deployment, or another change of a service, at one point of its life.',
  fields: [
    {
      name: 'id',
      type: 'string',
      doc: 'Identity of the event: 32 hex digits, a hash of tenant, source and source id. A repetition by the sender has the same.',
    },
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time: when the status was reached, by the clock of the sender, UTC.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'service',
      type: 'string',
      doc: 'Service that was changed.',
    },
    {
      name: 'environment',
      type: ['null', 'string'],
      doc: 'Where: `production`, `staging`, ...',
      default: null,
    },
    {
      name: 'version',
      type: ['null', 'string'],
      doc: 'Version that it leads to: a tag, an artifact, else the commit.',
      default: null,
    },
    {
      name: 'status',
      type: {
        type: 'enum',
        name: 'DeploymentStatus',
        doc: 'Where a change stands.',
        symbols: ['unknown', 'pending', 'running', 'succeeded', 'failed', 'cancelled'],
        default: 'unknown',
      },
      doc: 'Where the change stands.',
      default: 'unknown',
    },
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'ChangeKind',
        doc: 'What was changed.',
        symbols: [
          'other',
          'deployment',
          'rollback',
          'removal',
          'configuration',
          'flag',
          'scaling',
          'infrastructure',
          'build',
          'merge',
        ],
        default: 'other',
      },
      doc: 'What kind of change it is.',
      default: 'other',
    },
    {
      name: 'commit',
      type: ['null', 'string'],
      doc: 'Git commit.',
      default: null,
    },
    {
      name: 'ref',
      type: ['null', 'string'],
      doc: 'Branch or tag.',
      default: null,
    },
    {
      name: 'deployedBy',
      type: ['null', 'string'],
      doc: 'Who did it: person or robot.',
      default: null,
    },
    {
      name: 'startedAt',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'When it began, UTC.',
      default: null,
    },
    {
      name: 'finishedAt',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'When it ended, UTC.',
      default: null,
    },
    {
      name: 'plannedFrom',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'Begin of the window it is planned for, UTC.',
      default: null,
    },
    {
      name: 'plannedTo',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'End of the window it is planned for, UTC; exclusive.',
      default: null,
    },
    {
      name: 'url',
      type: ['null', 'string'],
      doc: 'Where a person sees more.',
      default: null,
    },
    {
      name: 'source',
      type: 'string',
      doc: 'System it comes from: `gitlab`, `github`, `argocd`, `cdevents`, `ingest`, `cli`, ...',
    },
    {
      name: 'sourceId',
      type: 'string',
      doc: 'Identity that the source gave it, e.g. the delivery id.',
    },
    {
      name: 'metadata',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'What else the sender said. Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`.',
      default: {},
    },
  ],
}

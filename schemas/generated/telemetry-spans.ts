// Generated from telemetry.spans.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochUs } from '../topic.ts'

/** One span of a trace, or one request seen by a service. */
export interface Span {
  /** Event time: when it began, UTC, in microseconds. */
  readonly start: EpochUs
  /** How long it took, in microseconds; null: it had not ended when this was written, and another record with the same ids tells its end. */
  readonly durationUs: number | null
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string
  /** W3C span id: 16 lower-case hex digits. */
  readonly spanId: string
  /** Span that caused this one; null for the root of a trace. */
  readonly parentSpanId: string | null
  /** Service that did the work (`service.name`); `unknown_service` where the sender does not say. */
  readonly service: string
  /** What was asked for, with few distinct values: the route (`/orders/{id}`), the RPC method, else the name of the span. */
  readonly endpoint: string
  /** Name of the span as sent, e.g. `GET /orders/{id}`. */
  readonly name: string
  /** On which side of a call it stands. */
  readonly kind: SpanKind
  /** Whether it failed, as the service says; an HTTP status of 500 and above counts as `error` for a server. */
  readonly status: SpanStatus
  /** HTTP method, upper case. */
  readonly method: string | null
  /** HTTP status code of the answer. */
  readonly statusCode: number | null
  /** `error.type`, or the type of the exception. */
  readonly errorType: string | null
  /** Message of the exception, or of the status. */
  readonly errorMessage: string | null
  /** Stack trace of the exception. */
  readonly stack: string | null
  /** Who was called: `service.peer.name`, `peer.service`, else `server.address` with its port. */
  readonly peer: string | null
  /** Deployment environment (`deployment.environment.name`). */
  readonly environment: string | null
  /** Version of the service (`service.version`). */
  readonly version: string | null
  /** Attributes of the span, as sent. Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`. */
  readonly attributes: Readonly<Record<string, string>>
  /** Attributes of what did the work, as sent: `service.version`, `k8s.pod.name`, ... */
  readonly resource: Readonly<Record<string, string>>
  /** What happened within it, exceptions among them. */
  readonly events: readonly SpanEvent[]
  /** Other spans it has to do with. */
  readonly links: readonly SpanLink[]
}

/** Another span that this one has to do with, in this trace or another. */
export interface SpanLink {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  /** Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Something that happened within a span. */
export interface SpanEvent {
  /** When it happened, UTC. */
  readonly timestamp: EpochUs
  /** Name of the event, e.g. `retry`. */
  readonly name: string
  /** Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Status as the service set it. */
export type SpanStatus = 'unset' | 'ok' | 'error'

/** Its side of a call. */
export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** The Avro schema of Span, as it stands in telemetry.spans.avsc. */
export const spanSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'Span',
  doc: 'One span of a trace, or one request seen by a service.',
  fields: [
    {
      name: 'start',
      type: {
        type: 'long',
        logicalType: 'timestamp-micros',
      },
      doc: 'Event time: when it began, UTC, in microseconds.',
    },
    {
      name: 'durationUs',
      type: ['null', 'long'],
      doc: 'How long it took, in microseconds; null: it had not ended when this was written, and another record with the same ids tells its end.',
      default: null,
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'traceId',
      type: 'string',
      doc: 'W3C trace id: 32 lower-case hex digits.',
    },
    {
      name: 'spanId',
      type: 'string',
      doc: 'W3C span id: 16 lower-case hex digits.',
    },
    {
      name: 'parentSpanId',
      type: ['null', 'string'],
      doc: 'Span that caused this one; null for the root of a trace.',
      default: null,
    },
    {
      name: 'service',
      type: 'string',
      doc: 'Service that did the work (`service.name`); `unknown_service` where the sender does not say.',
    },
    {
      name: 'endpoint',
      type: 'string',
      doc: 'What was asked for, with few distinct values: the route (`/orders/{id}`), the RPC method, else the name of the span.',
    },
    {
      name: 'name',
      type: 'string',
      doc: 'Name of the span as sent, e.g. `GET /orders/{id}`.',
    },
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'SpanKind',
        doc: 'Its side of a call.',
        symbols: ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'],
        default: 'unspecified',
      },
      doc: 'On which side of a call it stands.',
      default: 'unspecified',
    },
    {
      name: 'status',
      type: {
        type: 'enum',
        name: 'SpanStatus',
        doc: 'Status as the service set it.',
        symbols: ['unset', 'ok', 'error'],
        default: 'unset',
      },
      doc: 'Whether it failed, as the service says; an HTTP status of 500 and above counts as `error` for a server.',
      default: 'unset',
    },
    {
      name: 'method',
      type: ['null', 'string'],
      doc: 'HTTP method, upper case.',
      default: null,
    },
    {
      name: 'statusCode',
      type: ['null', 'int'],
      doc: 'HTTP status code of the answer.',
      default: null,
    },
    {
      name: 'errorType',
      type: ['null', 'string'],
      doc: '`error.type`, or the type of the exception.',
      default: null,
    },
    {
      name: 'errorMessage',
      type: ['null', 'string'],
      doc: 'Message of the exception, or of the status.',
      default: null,
    },
    {
      name: 'stack',
      type: ['null', 'string'],
      doc: 'Stack trace of the exception.',
      default: null,
    },
    {
      name: 'peer',
      type: ['null', 'string'],
      doc: 'Who was called: `service.peer.name`, `peer.service`, else `server.address` with its port.',
      default: null,
    },
    {
      name: 'environment',
      type: ['null', 'string'],
      doc: 'Deployment environment (`deployment.environment.name`).',
      default: null,
    },
    {
      name: 'version',
      type: ['null', 'string'],
      doc: 'Version of the service (`service.version`).',
      default: null,
    },
    {
      name: 'attributes',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Attributes of the span, as sent. Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`.',
      default: {},
    },
    {
      name: 'resource',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Attributes of what did the work, as sent: `service.version`, `k8s.pod.name`, ...',
      default: {},
    },
    {
      name: 'events',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'SpanEvent',
          doc: 'Something that happened within a span.',
          fields: [
            {
              name: 'timestamp',
              type: {
                type: 'long',
                logicalType: 'timestamp-micros',
              },
              doc: 'When it happened, UTC.',
            },
            {
              name: 'name',
              type: 'string',
              doc: 'Name of the event, e.g. `retry`.',
            },
            {
              name: 'attributes',
              type: {
                type: 'map',
                values: 'string',
              },
              doc: 'Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`.',
              default: {},
            },
          ],
        },
      },
      doc: 'What happened within it, exceptions among them.',
      default: [],
    },
    {
      name: 'links',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'SpanLink',
          doc: 'Another span that this one has to do with, in this trace or another.',
          fields: [
            {
              name: 'traceId',
              type: 'string',
              doc: '32 lower-case hex digits.',
            },
            {
              name: 'spanId',
              type: 'string',
              doc: '16 lower-case hex digits.',
            },
            {
              name: 'attributes',
              type: {
                type: 'map',
                values: 'string',
              },
              doc: 'Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`.',
              default: {},
            },
          ],
        },
      },
      doc: 'Other spans it has to do with.',
      default: [],
    },
  ],
}

// Generated from telemetry.logs.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** One log entry of one service. */
export interface LogEntry {
  /** Event time: when it was logged, UTC; when it was observed, where the sender does not say. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Service that logged it (`service.name`); `unknown_service` where the sender does not say. */
  readonly service: string
  /** How severe it is. */
  readonly level: LogLevel
  /** What was logged: the text, or the body as JSON where it is structured. */
  readonly message: string
  /** Attributes of the entry. Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`. */
  readonly labels: Readonly<Record<string, string>>
  /** Attributes of what logged it, as sent: `service.version`, `k8s.pod.name`, ... */
  readonly resource: Readonly<Record<string, string>>
  /** Deployment environment (`deployment.environment.name`). */
  readonly environment: string | null
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId: string | null
  /** W3C span id: 16 lower-case hex digits. */
  readonly spanId: string | null
}

/** Severity, the number ranges of OpenTelemetry as words. */
export type LogLevel = 'unspecified' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** The Avro schema of LogEntry, as it stands in telemetry.logs.avsc. */
export const logEntrySchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'LogEntry',
  doc: 'One log entry of one service.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time: when it was logged, UTC; when it was observed, where the sender does not say.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'service',
      type: 'string',
      doc: 'Service that logged it (`service.name`); `unknown_service` where the sender does not say.',
    },
    {
      name: 'level',
      type: {
        type: 'enum',
        name: 'LogLevel',
        doc: 'Severity, the number ranges of OpenTelemetry as words.',
        symbols: ['unspecified', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'],
        default: 'unspecified',
      },
      doc: 'How severe it is.',
      default: 'unspecified',
    },
    {
      name: 'message',
      type: 'string',
      doc: 'What was logged: the text, or the body as JSON where it is structured.',
    },
    {
      name: 'labels',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Attributes of the entry. Attribute values that are no text stand as JSON: `200`, `true`, `["a","b"]`.',
      default: {},
    },
    {
      name: 'resource',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Attributes of what logged it, as sent: `service.version`, `k8s.pod.name`, ...',
      default: {},
    },
    {
      name: 'environment',
      type: ['null', 'string'],
      doc: 'Deployment environment (`deployment.environment.name`).',
      default: null,
    },
    {
      name: 'traceId',
      type: ['null', 'string'],
      doc: 'W3C trace id: 32 lower-case hex digits.',
      default: null,
    },
    {
      name: 'spanId',
      type: ['null', 'string'],
      doc: 'W3C span id: 16 lower-case hex digits.',
      default: null,
    },
  ],
}

/** Log records of OTLP as records of `telemetry.logs`. */
import type { LogEntry, LogLevel } from '../../../schemas/generated/telemetry-logs.ts'
import { telemetryLogs } from '../../../schemas/topics.ts'
import { levelOfText } from '../log-level.ts'
import { addAttributes, textOf, type Attributes } from './any-value.ts'
import type { Arrival } from '../arrival.ts'
import type { LogRecord, LogsRequest } from './messages.ts'
import { addScope, countDropped, MAX_ATTRIBUTES } from './resource.ts'
import { mapScoped, type Surroundings } from './scoped.ts'
import { checkedTime, isSet, msOf } from './times.ts'
import { hexId } from './trace-ids.ts'

export const mapLogs = ({ resourceLogs }: LogsRequest, arrival: Arrival) =>
  mapScoped(
    (resourceLogs ?? []).map(({ resource, scopeLogs }) => ({
      resource,
      scopes: (scopeLogs ?? []).map(({ scope, logRecords }) => ({
        scope,
        items: logRecords ?? [],
      })),
    })),
    arrival,
    logEntry,
  )

const logEntry = (log: LogRecord, { scope, origin, arrival }: Surroundings): LogEntry => {
  const labels: Attributes = {}
  const left = addAttributes(labels, log.attributes, MAX_ATTRIBUTES)
  addScope(labels, scope)
  countDropped(labels, 'attributes', left + (log.droppedAttributesCount ?? 0))
  const eventName = log.eventName ?? ''
  if (eventName !== '') labels['event.name'] = eventName
  const severityText = log.severityText ?? ''
  const level = levelOf(log.severityNumber ?? 0, severityText)
  if (severityText !== '' && severityText.toLowerCase() !== level) {
    labels['severity_text'] = severityText
  }
  const body = textOf(log.body)
  const entry: LogEntry = {
    timestamp: timeOf(log, arrival),
    tenant: arrival.tenant,
    service: origin.service,
    level,
    message: body === '' ? eventName : body,
    labels,
    resource: origin.attributes,
    environment: origin.environment,
    traceId: hexId(log.traceId, 16) ?? null,
    spanId: hexId(log.spanId, 8) ?? null,
  }
  // Throws for a service that cannot be part of a key.
  telemetryLogs.keyOf(entry)
  return entry
}

/** When it happened, else when somebody saw it, else now. */
const timeOf = (log: LogRecord, { receivedAtMs }: Arrival): number => {
  const nanos = isSet(log.timeUnixNano) ? log.timeUnixNano : log.observedTimeUnixNano
  if (!isSet(nanos)) return receivedAtMs
  checkedTime('time_unix_nano of a log record', nanos, receivedAtMs)
  return msOf(nanos)
}

/** Whether all of them say when they happened or were seen: two of the same content are then the same. */
export const haveTimes = ({ resourceLogs }: LogsRequest): boolean =>
  (resourceLogs ?? []).every(({ scopeLogs }) =>
    (scopeLogs ?? []).every(({ logRecords }) =>
      (logRecords ?? []).every((log) => isSet(log.timeUnixNano) || isSet(log.observedTimeUnixNano)),
    ),
  )

/** Four numbers each, from 1. */
const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

const levelOf = (severityNumber: number, severityText: string): LogLevel => {
  if (severityNumber >= 1) return LEVELS[Math.floor((severityNumber - 1) / 4)] ?? 'fatal'
  return levelOfText(severityText)
}

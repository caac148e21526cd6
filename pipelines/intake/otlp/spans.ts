/**
 * Spans of OTLP as records of `telemetry.spans`.
 *
 * S1: a span without ids, or which ends before it starts, is refused; the others of its request are not.
 * S2: what the sender wrote is all in `attributes`, `resource`, `events` and `links`, up to their limits;
 *     the named fields only repeat it. What a limit leaves out is counted in `otel.dropped_*_count`.
 */
import type {
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
} from '../../../schemas/generated/telemetry-spans.ts'
import type { EpochUs } from '../../../schemas/topic.ts'
import { isEventTime } from '../event-time.ts'
import { addAttributes, type Attributes } from './any-value.ts'
import {
  isGiven,
  type OtlpSpan,
  type OtlpSpanEvent,
  type OtlpSpanLink,
  type TraceRequest,
} from './messages.ts'
import { Rejected } from './rejections.ts'
import { addScope, countDropped, MAX_ATTRIBUTES } from './resource.ts'
import { mapScoped, type Surroundings } from './scoped.ts'
import { endpointOf, errorOf, httpStatusOf, methodOf, peerOf, statusOf } from './span-words.ts'
import { checkedTime, isSet, msOf, usOf } from './times.ts'
import { hexId } from './trace-ids.ts'
import type { Arrival } from '../arrival.ts'

const MAX_EVENTS = 128
const MAX_LINKS = 128

export const mapSpans = ({ resourceSpans }: TraceRequest, arrival: Arrival) =>
  mapScoped(
    (resourceSpans ?? []).map(({ resource, scopeSpans }) => ({
      resource,
      scopes: (scopeSpans ?? []).map(({ scope, spans }) => ({ scope, items: spans ?? [] })),
    })),
    arrival,
    spanRecord,
  )

const spanRecord = (span: OtlpSpan, { scope, origin, arrival }: Surroundings): Span => {
  const name = span.name ?? ''
  const { start, durationUs } = timesOf(span, arrival)
  const attributes: Attributes = {}
  const attributesLeft = addAttributes(attributes, span.attributes, MAX_ATTRIBUTES)
  const kind = KINDS[span.kind ?? 0] ?? 'unspecified'
  const statusCode = httpStatusOf(attributes)
  const events = (span.events ?? [])
    .slice(0, MAX_EVENTS)
    .map((event) => eventRecord(event, start, arrival))
  const links = (span.links ?? []).slice(0, MAX_LINKS).flatMap(linkRecord)
  const error = errorOf(attributes, events, span.status?.message ?? '')

  const record: Span = {
    start,
    durationUs,
    tenant: arrival.tenant,
    traceId: requiredId('trace_id', span.traceId, 16),
    spanId: requiredId('span_id', span.spanId, 8),
    parentSpanId: parentOf(span.parentSpanId),
    service: origin.service,
    endpoint: endpointOf(attributes, name),
    name,
    kind,
    status: statusOf(span.status?.code ?? 0, kind, statusCode),
    method: methodOf(attributes),
    statusCode,
    ...error,
    peer: peerOf(attributes, kind),
    environment: origin.environment,
    version: origin.version,
    attributes,
    resource: origin.attributes,
    events,
    links,
  }
  addScope(attributes, scope)
  const { traceState, status } = span
  if (isGiven(traceState) && traceState !== '') attributes['w3c.tracestate'] = traceState
  if (isGiven(status?.message) && status.message !== '' && status.message !== error.errorMessage) {
    attributes['otel.status_description'] = status.message
  }
  countDropped(attributes, 'attributes', attributesLeft + (span.droppedAttributesCount ?? 0))
  const eventsLeft = (span.events?.length ?? 0) - events.length
  countDropped(attributes, 'events', eventsLeft + (span.droppedEventsCount ?? 0))
  const linksLeft = (span.links?.length ?? 0) - links.length
  countDropped(attributes, 'links', linksLeft + (span.droppedLinksCount ?? 0))
  return record
}

const KINDS: readonly SpanKind[] = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
]

const requiredId = (
  field: string,
  bytes: Uint8Array | null | undefined,
  lengthBytes: 8 | 16,
): string => {
  const id = hexId(bytes, lengthBytes)
  if (id !== undefined) return id
  const shown = Buffer.from(bytes ?? []).toString('hex', 0, 32)
  throw new Rejected(
    'ids of a span that are not 16 and 8 bytes, or only zeros',
    `${field} is '${shown}'`,
  )
}

const parentOf = (bytes: Uint8Array | null | undefined): string | null => {
  if (!isGiven(bytes) || bytes.every((byte) => byte === 0)) return null
  return requiredId('parent_span_id', bytes, 8)
}

const timesOf = (span: OtlpSpan, { receivedAtMs }: Arrival) => {
  const { startTimeUnixNano: start, endTimeUnixNano: end } = span
  const named = `span '${(span.name ?? '').slice(0, 100)}'`
  if (!isSet(start)) throw new Rejected('no time', `start_time_unix_nano of ${named} is 0`)
  checkedTime(`start_time_unix_nano of ${named}`, start, receivedAtMs)
  if (!isSet(end)) return { start: usOf(start), durationUs: null }
  checkedTime(`end_time_unix_nano of ${named}`, end, receivedAtMs)
  if (end < start) {
    throw new Rejected(
      'a span that ends before it starts',
      `${named} ends ${String(start - end)} ns before its start`,
    )
  }
  return { start: usOf(start), durationUs: usOf(end - start) }
}

/** Where its time cannot be, the span's start: what happened is worth more than when. */
const eventRecord = (
  { timeUnixNano: time, name, attributes, droppedAttributesCount }: OtlpSpanEvent,
  start: EpochUs,
  { receivedAtMs }: Arrival,
): SpanEvent => {
  const own: Attributes = {}
  const left = addAttributes(own, attributes, MAX_ATTRIBUTES)
  countDropped(own, 'attributes', left + (droppedAttributesCount ?? 0))
  const timed = isSet(time) && isEventTime(msOf(time), receivedAtMs)
  return { timestamp: timed ? usOf(time) : start, name: name ?? '', attributes: own }
}

/** One to nowhere says nothing. */
const linkRecord = ({
  traceId,
  spanId,
  traceState,
  attributes,
  droppedAttributesCount,
}: OtlpSpanLink): SpanLink[] => {
  const trace = hexId(traceId, 16)
  const span = hexId(spanId, 8)
  if (trace === undefined || span === undefined) return []
  const own: Attributes = {}
  const left = addAttributes(own, attributes, MAX_ATTRIBUTES)
  if (isGiven(traceState) && traceState !== '') own['w3c.tracestate'] = traceState
  countDropped(own, 'attributes', left + (droppedAttributesCount ?? 0))
  return [{ traceId: trace, spanId: span, attributes: own }]
}

/**
 * A span of a table or a line of JSON, under the names that tracing systems give: those of
 * `telemetry.spans` itself, Zipkin's, and those of tables that were made from traces.
 */
import { BadInput } from '../../../pipelines/intake/bad-input.ts'
import { isEventTime } from '../../../pipelines/intake/event-time.ts'
import { UNKNOWN_SERVICE } from '../../../pipelines/intake/otlp/resource.ts'
import type {
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanStatus,
} from '../../../schemas/generated/telemetry-spans.ts'
import { membersOf, serviceOfPod, Taker } from '../named-values.ts'
import type { ReadContext } from '../signal.ts'
import { durationUs, microsOf } from './span-times.ts'

const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer']
const MAX_STATUS_CODE = 999

/** @throws BadInput naming what is missing, or cannot be so */
export const namedSpan = (
  values: ReadonlyMap<string, unknown>,
  { tenant, latestMs }: ReadContext,
): Span => {
  const taker = new Taker(values)
  const resource = texts(membersOf(taker.take('resource')))
  const local = membersOf(taker.take('localendpoint'))
  const remote = membersOf(taker.take('remoteendpoint'))
  const pod = text(taker.take('podname'))
  const service =
    text(taker.take('service', 'servicename')) ??
    text(local['serviceName']) ??
    resource['service.name'] ??
    (pod && serviceOfPod(pod)) ??
    UNKNOWN_SERVICE
  const start = startOf(taker, latestMs)
  const name = text(taker.take('name', 'operationname', 'operation'))
  const endpoint = text(taker.take('endpoint', 'route')) ?? name
  if (endpoint === undefined) throw new BadInput('name', undefined, 'given')
  const statusCode = statusCodeOf(taker.take('statuscode', 'httpstatuscode'))
  const kind = text(taker.take('kind', 'spankind'))?.toLowerCase()
  const status = taker.take('status')
  const failed = taker.take('error')
  const events = listOf(taker.take('events')).map(eventOf)
  const links = listOf(taker.take('links')).map(linkOf)
  return {
    start,
    durationUs: durationOf(taker, start),
    tenant,
    traceId: hexId('traceId', taker.take('traceid'), 32) ?? missing('traceId'),
    spanId: hexId('spanId', taker.take('spanid', 'id'), 16) ?? missing('spanId'),
    parentSpanId: parentOf(taker.take('parentspanid', 'parentid', 'parent')),
    service,
    endpoint,
    name: name ?? endpoint,
    kind: KINDS.find((each) => each === kind) ?? 'unspecified',
    status: statusOf(status, failed),
    method: text(taker.take('method', 'httpmethod'))?.toUpperCase() ?? null,
    statusCode,
    errorType: text(taker.take('errortype')) ?? null,
    errorMessage: text(taker.take('errormessage')) ?? null,
    stack: text(taker.take('stack', 'stacktrace')) ?? null,
    peer: text(taker.take('peer')) ?? text(remote['serviceName']) ?? null,
    environment: text(taker.take('environment', 'env')) ?? null,
    version: text(taker.take('version')) ?? null,
    attributes: texts({
      ...membersOf(taker.take('attributes')),
      ...membersOf(taker.take('tags')),
      // Of the record itself, as `millrace tail` shows it; whoever replays says the tenant.
      ...without(taker.rest(), ['tenant']),
    }),
    resource: pod === undefined ? resource : { 'k8s.pod.name': pod, ...resource },
    events,
    links,
  }
}

/** As `telemetry.spans` has them. */
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const eventOf = (value: unknown): SpanEvent => {
  const { timestamp, name, attributes } = membersOf(value)
  const at = timestamp === undefined ? undefined : microsOf(timestamp)
  if (at === undefined) throw new BadInput('events', timestamp, 'given with times since 1970')
  return { timestamp: at, name: text(name) ?? '', attributes: texts(membersOf(attributes)) }
}

const linkOf = (value: unknown): SpanLink => {
  const { traceId, spanId, attributes } = membersOf(value)
  return {
    traceId: hexId('links', traceId, 32) ?? missing('links'),
    spanId: hexId('links', spanId, 16) ?? missing('links'),
    attributes: texts(membersOf(attributes)),
  }
}

const startOf = (taker: Taker, latestMs: number): number => {
  const given = taker.take('start', 'starttimeunixnano', 'starttime', 'timestamp')
  const start = given === undefined ? undefined : microsOf(given)
  if (start === undefined) throw new BadInput('start', given, 'given, as a time since 1970')
  if (isEventTime(start / 1000, latestMs)) return start
  throw new BadInput('start', given, 'a time since 1970, and not ahead of now')
}

/** An end says it best, for its unit is known; a duration without a unit is in microseconds. */
const durationOf = (taker: Taker, startUs: number): number | null => {
  const end = taker.take('endtimeunixnano', 'endtime', 'end')
  const given = {
    us: taker.take('durationus', 'duration'),
    ms: taker.take('durationms'),
    ns: taker.take('durationns', 'durationnano'),
  }
  const endUs = end === undefined ? undefined : microsOf(end)
  const duration =
    endUs === undefined
      ? (durationUs(given.us, 1) ?? durationUs(given.ms, 1000) ?? durationUs(given.ns, 0.001))
      : endUs - startUs
  if (duration !== undefined && duration < 0) {
    throw new BadInput('duration', duration, 'not below 0: it ends before it starts')
  }
  return duration ?? null
}

const HEX = /^[0-9a-f]+$/
const ROOT = /^(?:root|none|-1|0+)$/i

/** Zipkin's ids may be half as long; they stand for the same with zeros before them. */
const hexId = (field: string, value: unknown, digits: 16 | 32): string | undefined => {
  const id = text(value)?.toLowerCase().replaceAll('-', '')
  if (id === undefined) return undefined
  if (HEX.test(id) && !/^0+$/.test(id) && id.length <= digits && id.length >= digits / 2) {
    return id.padStart(digits, '0')
  }
  throw new BadInput(field, value, `${String(digits)} hex digits, not all zero`)
}

const parentOf = (value: unknown): string | null => {
  const id = text(value)
  return id === undefined || ROOT.test(id) ? null : (hexId('parentSpanId', id, 16) ?? null)
}

const missing = (field: string): never => {
  throw new BadInput(field, undefined, 'given')
}

const statusOf = (status: unknown, failed: unknown): SpanStatus => {
  const word = text(status)?.toLowerCase()
  if (word === 'error' || failed === true || failed === 'true') return 'error'
  return word === 'ok' ? 'ok' : 'unset'
}

const statusCodeOf = (value: unknown): number | null => {
  const code = Number(text(value))
  return Number.isInteger(code) && code > 0 && code <= MAX_STATUS_CODE ? code : null
}

const text = (value: unknown): string | undefined => {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}

const texts = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value) ?? '']))

const without = (
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))

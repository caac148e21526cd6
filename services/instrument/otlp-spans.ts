/** Spans as an OTLP/JSON request, named by the semantic conventions of OpenTelemetry. */
import type { Endpoints } from './endpoint.ts'
import type { Service, Span } from './span.ts'

type Value = { readonly stringValue: string } | { readonly intValue: string }
export interface Attribute {
  readonly key: string
  readonly value: Value
}

export const text = (key: string, value: string): Attribute => ({
  key,
  value: { stringValue: value },
})
const whole = (key: string, value: number): Attribute => ({
  key,
  value: { intValue: String(value) },
})

export const SCOPE = { name: 'millrace/instrument' }
const KIND = { server: 2, client: 3 } as const
const STATUS_ERROR = 2
const UNMATCHED = '/{unmatched}'

export const resourceOf = ({ attributes }: Service) => ({
  attributes: Object.entries(attributes).map(([key, value]) => text(key, value)),
})

/** One resource for each service. */
export const byService = <Item extends { readonly service: Service }>(
  items: readonly Item[],
): Map<Service, Item[]> => {
  const groups = new Map<Service, Item[]>()
  for (const item of items) {
    const group = groups.get(item.service)
    if (group === undefined) groups.set(item.service, [item])
    else group.push(item)
  }
  return groups
}

export const encodeSpans = (spans: readonly Span[], endpoints: Endpoints): string =>
  JSON.stringify({
    resourceSpans: [...byService(spans)].map(([service, group]) => ({
      resource: resourceOf(service),
      scopeSpans: [{ scope: SCOPE, spans: group.map((span) => otlpSpan(span, endpoints)) }],
    })),
  })

const nanos = (us: number): string => `${String(us)}000`

const otlpSpan = (span: Span, endpoints: Endpoints) => {
  const endpoint = endpointOf(span, endpoints)
  const failed = failureWords(span)
  const endUs = span.durationUs === undefined ? undefined : span.startUs + span.durationUs
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    ...(span.traceState === undefined ? {} : { traceState: span.traceState }),
    name: `${span.method} ${endpoint}`,
    kind: KIND[span.kind],
    startTimeUnixNano: nanos(span.startUs),
    // Zero: it has not ended.
    endTimeUnixNano: endUs === undefined ? '0' : nanos(endUs),
    attributes: attributesOf(span, endpoint, failed?.type),
    events: span.failure === undefined ? [] : [exceptionOf(span.failure, endUs ?? span.startUs)],
    status: failed === undefined ? {} : { code: STATUS_ERROR, message: failed.message },
  }
}

const endpointOf = (span: Span, endpoints: Endpoints): string => {
  if (span.route !== undefined) return span.route
  // What is not there, scanners ask for under a thousand names.
  if (span.kind === 'server' && span.statusCode === 404) return UNMATCHED
  return endpoints.of(span.path)
}

/** A server fails with 5xx or without an answer; what it refuses (4xx) is the caller's failure, there. */
const failureWords = ({ kind, statusCode, failure }: Span) => {
  const limit = kind === 'server' ? 500 : 400
  if (statusCode !== undefined && statusCode < limit && failure?.type !== ABORTED) return undefined
  if (failure !== undefined) return { type: failure.type, message: failure.message }
  if (statusCode === undefined) return undefined
  return { type: String(statusCode), message: `HTTP ${statusCode}` }
}

/** Type of the failure of a request whose client went away before the answer was complete. */
export const ABORTED = 'request_aborted'

const attributesOf = (span: Span, endpoint: string, errorType: string | undefined): Attribute[] => {
  const attributes = [
    text('http.request.method', span.method),
    text('url.path', span.path),
    text('url.scheme', span.scheme),
  ]
  // What a framework says; the shape of a path is a guess.
  attributes.push(text(span.route === undefined ? 'url.template' : 'http.route', endpoint))
  if (span.kind === 'client') attributes.push(text('server.address', span.host))
  if (span.port !== undefined) attributes.push(whole('server.port', span.port))
  if (span.statusCode !== undefined) {
    attributes.push(whole('http.response.status_code', span.statusCode))
  }
  if (errorType !== undefined) attributes.push(text('error.type', errorType))
  return attributes
}

const exceptionOf = (failure: NonNullable<Span['failure']>, atUs: number) => ({
  timeUnixNano: nanos(atUs),
  name: 'exception',
  attributes: [
    text('exception.type', failure.type),
    text('exception.message', failure.message),
    ...(failure.stack === undefined ? [] : [text('exception.stacktrace', failure.stack)]),
  ],
})

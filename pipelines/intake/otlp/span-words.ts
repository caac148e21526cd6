/**
 * What a span says in its attributes: the names of OpenTelemetry's semantic conventions 1.44, then those
 * that older libraries write.
 */
import type { SpanEvent, SpanKind, SpanStatus } from '../../../schemas/generated/telemetry-spans.ts'
import { firstOf, type Attributes } from './any-value.ts'

type Read = Readonly<Attributes>

/** With few distinct values: a path only where the sender put names for what varies in it. */
export const endpointOf = (attributes: Read, name: string): string =>
  firstOf(attributes, 'http.route', 'url.template') ??
  rpcOf(attributes) ??
  [firstOf(attributes, 'url.path'), firstOf(attributes, 'http.target')].find(isTemplate) ??
  name

const rpcOf = (attributes: Read): string | undefined => {
  const method = firstOf(attributes, 'rpc.method')
  const service = firstOf(attributes, 'rpc.service')
  if (method === undefined || service === undefined || method.includes('/')) return method
  return `${service}/${method}`
}

/** `/orders/{id}`, `/orders/:id`, `/orders/<id>`. */
const isTemplate = (path: string | undefined): boolean =>
  path !== undefined && /\/(\{[^/]+\}|:[^/]+|<[^/]+>)/.test(path)

export const methodOf = (attributes: Read): string | null =>
  firstOf(attributes, 'http.request.method', 'http.method')?.toUpperCase() ?? null

export const httpStatusOf = (attributes: Read): number | null => {
  const text = firstOf(attributes, 'http.response.status_code', 'http.status_code')
  return text !== undefined && /^[1-9]\d\d$/.test(text) ? Number(text) : null
}

const SERVER_ERROR = 500

/** What the service decided holds; where it did not, an answer of 500 and above is an error of the server. */
export const statusOf = (code: number, kind: SpanKind, httpStatus: number | null): SpanStatus => {
  if (code === 1) return 'ok'
  if (code === 2) return 'error'
  return kind === 'server' && httpStatus !== null && httpStatus >= SERVER_ERROR ? 'error' : 'unset'
}

/** Of the last exception: the ones before it were handled, or led to it. */
export const errorOf = (attributes: Read, events: readonly SpanEvent[], statusMessage: string) => {
  const exception = events.findLast(({ name }) => name === 'exception')?.attributes ?? attributes
  return {
    errorType: firstOf(attributes, 'error.type') ?? firstOf(exception, 'exception.type') ?? null,
    errorMessage:
      firstOf(exception, 'exception.message') ?? (statusMessage === '' ? null : statusMessage),
    stack: firstOf(exception, 'exception.stacktrace') ?? null,
  }
}

/** Who was called. For who is called, `server.address` is itself. */
export const peerOf = (attributes: Read, kind: SpanKind): string | null => {
  const named = firstOf(attributes, 'service.peer.name', 'peer.service')
  if (named !== undefined) return named
  if (kind !== 'client' && kind !== 'producer') return null
  const address = firstOf(attributes, 'server.address', 'net.peer.name')
  if (address === undefined) return null
  const port = firstOf(attributes, 'server.port', 'net.peer.port')
  return port === undefined ? address : `${address}:${port}`
}

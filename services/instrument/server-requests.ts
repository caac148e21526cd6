/**
 * Requests that this process serves: any server made of node:http or node:https, by the channel on
 * which Node itself announces them. Frameworks only add what they know: route and error.
 *
 * R1: nothing thrown here reaches the application; a request that cannot be traced is served untraced.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { bindEvents, enterContext } from './context.ts'
import { pathOf } from './endpoint.ts'
import { expressRoute } from './express.ts'
import { ABORTED } from './otlp-spans.ts'
import type { Recorder } from './recorder.ts'
import { setSpan } from './served.ts'
import type { Service, Span } from './span.ts'
import { baggageOf, parentOf } from './trace-context.ts'

const CHANNEL = 'http.server.request.start'

interface Started {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: Server
}

export interface ServerOptions {
  readonly recorder: Recorder
  /** Called for each request; cheap from a server's second one on. */
  readonly serviceOf: (server: Server) => Service
  readonly traceHeader: string | undefined
  readonly guard: (work: () => void) => void
}

/** Returns how to stop. */
export const watchServers = (options: ServerOptions): (() => void) => {
  const onStart = (message: unknown): void => {
    options.guard(() => {
      serve(message as Started, options)
    })
  }
  subscribe(CHANNEL, onStart)
  return () => {
    unsubscribe(CHANNEL, onStart)
  }
}

const serve = (
  { request, response, server }: Started,
  { recorder, serviceOf, traceHeader, guard }: ServerOptions,
): void => {
  const work = {
    kind: 'server',
    service: serviceOf(server),
    method: request.method ?? 'GET',
    path: pathOf(request.url ?? '/'),
    scheme: 'encrypted' in request.socket ? 'https' : 'http',
  } as const
  const begun = recorder.begin(work, parentOf(request.headers))
  const context = { ...begun, baggage: baggageOf(request.headers) }
  enterContext(context)
  // What else happens to a request happens where its handler runs.
  if (hasBody(request)) bindEvents(request, context)
  if (traceHeader !== undefined) response.setHeader(traceHeader, begun.traceId)
  const { span } = begun
  if (span === undefined) return
  setSpan(request, span)
  response.once('close', () => {
    guard(() => {
      finish(span, request, response)
      recorder.end(span)
    })
  })
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const finish = (span: Span, request: IncomingMessage, response: ServerResponse): void => {
  span.route ??= expressRoute(request)
  if (response.writableFinished) {
    span.statusCode = response.statusCode
    return
  }
  if (response.headersSent) span.statusCode = response.statusCode
  span.failure ??= {
    type: ABORTED,
    message: 'the connection was closed before the answer was complete',
    stack: undefined,
  }
}

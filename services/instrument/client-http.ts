/**
 * Requests that this process makes by node:http and node:https.
 *
 * Headers can be added until the first byte is written; Node calls `_implicitHeader` for that. The
 * channel `http.client.request.created` would be the better place, but Node 20 does not have it.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { errorMonitor } from 'node:events'
import { ClientRequest } from 'node:http'
import { pathOf } from './endpoint.ts'
import type { Calls } from './calls.ts'

const CHANNEL = 'http.client.request.start'
const SEEN = Symbol('millrace.seen')

declare module 'node:http' {
  interface ClientRequest {
    _implicitHeader: (this: ClientRequest) => void
    readonly agent?: { readonly defaultPort?: number }
    readonly res?: IncomingMessage
    [SEEN]?: true
  }
}

/** Returns how to stop. */
export const watchHttpClient = (calls: Calls): (() => void) => {
  const prototype = ClientRequest.prototype
  const original = prototype._implicitHeader
  prototype._implicitHeader = function (this: ClientRequest): void {
    calls.guard(() => watch(this, calls))
    original.call(this)
  }
  // Those whose headers were given as a list come past here only: seen, but their headers are written.
  const onStart = (message: unknown): void => {
    calls.guard(() => watch((message as { readonly request: ClientRequest }).request, calls))
  }
  subscribe(CHANNEL, onStart)
  return () => {
    unsubscribe(CHANNEL, onStart)
    prototype._implicitHeader = original
  }
}

const watch = (request: ClientRequest, calls: Calls): void => {
  if (request[SEEN]) return
  request[SEEN] = true
  // Somebody else traces this one.
  if (!request.headersSent && request.hasHeader('traceparent')) return
  const [host = request.host, port] = authorityOf(request)
  const call = calls.begin({
    method: request.method,
    path: pathOf(request.path),
    scheme: request.protocol.replace(':', ''),
    host,
    port,
  })
  if (call === undefined) return
  if (!request.headersSent) {
    for (const [name, value] of call.headers) request.setHeader(name, value)
  }
  const { span } = call
  if (span === undefined) return
  request.once(errorMonitor, (error: Error) => {
    span.fail(error)
  })
  request.once('close', () => {
    span.statusCode = request.res?.statusCode
    calls.end(span)
  })
}

const authorityOf = (request: ClientRequest): [string | undefined, number | undefined] => {
  const host = request.headersSent ? undefined : request.getHeader('host')
  const [, name, port] = /^(.+?)(?::(\d+))?$/.exec(typeof host === 'string' ? host : '') ?? []
  return [name, Number(port ?? request.agent?.defaultPort) || undefined]
}

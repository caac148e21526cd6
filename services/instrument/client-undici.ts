/** Requests that this process makes by `fetch` and undici, by the channels on which undici announces them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Calls } from './calls.ts'
import { pathOf } from './endpoint.ts'
import type { Span } from './span.ts'

/** Of undici 5 to 8; headers were one text in 5. */
interface UndiciRequest {
  readonly origin?: string | URL
  readonly method: string
  readonly path: string
  readonly headers: string | readonly unknown[]
  addHeader(name: string, value: string): unknown
}

interface Message {
  readonly request: UndiciRequest
  readonly response?: { readonly statusCode: number }
  readonly error?: unknown
}

/** Returns how to stop. */
export const watchUndici = (calls: Calls): (() => void) => {
  const spans = new WeakMap<UndiciRequest, Span>()
  const listeners: Readonly<Record<string, (message: Message) => void>> = {
    'undici:request:create': ({ request }) => {
      const span = begin(request, calls)
      if (span !== undefined) spans.set(request, span)
    },
    'undici:request:headers': ({ request, response }) => {
      const span = spans.get(request)
      if (span !== undefined) span.statusCode = response?.statusCode
    },
    'undici:request:trailers': ({ request }) => {
      const span = spans.get(request)
      if (span !== undefined) calls.end(span)
    },
    'undici:request:error': ({ request, error }) => {
      const span = spans.get(request)
      if (span === undefined) return
      span.fail(error)
      calls.end(span)
    },
  }
  const stops = Object.entries(listeners).map(([channel, listen]) => {
    const listener = (message: unknown): void => {
      calls.guard(() => listen(message as Message))
    }
    subscribe(channel, listener)
    return () => unsubscribe(channel, listener)
  })
  return () => {
    for (const stop of stops) stop()
  }
}

const begin = (request: UndiciRequest, calls: Calls): Span | undefined => {
  // Somebody else traces this one.
  if (hasTraceParent(request.headers)) return undefined
  const origin = new URL(String(request.origin ?? 'http://unknown'))
  const call = calls.begin({
    method: request.method,
    path: pathOf(request.path),
    scheme: origin.protocol.replace(':', ''),
    host: origin.hostname,
    port: Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80),
  })
  for (const [name, value] of call?.headers ?? []) request.addHeader(name, value)
  return call?.span
}

const hasTraceParent = (headers: UndiciRequest['headers']): boolean =>
  typeof headers === 'string'
    ? /^traceparent:/im.test(headers)
    : headers.some((name, at) => at % 2 === 0 && String(name).toLowerCase() === 'traceparent')

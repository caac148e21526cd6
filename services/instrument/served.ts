/** Where a request keeps its span, for those who see the request and not the context. */
import type { IncomingMessage } from 'node:http'
import type { Span } from './span.ts'

const SERVED = Symbol('millrace.span')

declare module 'node:http' {
  interface IncomingMessage {
    [SERVED]?: Span
  }
}

export const setSpan = (request: IncomingMessage, span: Span): void => {
  request[SERVED] = span
}

/** Undefined: the request is not sampled, or began before us. */
export const spanOf = (request: IncomingMessage): Span | undefined => request[SERVED]

/** Calls that this process makes, whichever client makes them: a span each, and the headers that carry the trace on. */
import { currentContext } from './context.ts'
import type { Recorder } from './recorder.ts'
import type { Service, Span } from './span.ts'
import { traceParent } from './trace-context.ts'

export interface CallTarget {
  readonly method: string
  readonly path: string
  readonly scheme: string
  readonly host: string
  readonly port: number | undefined
}

export interface Call {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly span: Span | undefined
}

export interface Calls {
  /** Undefined: not to be traced. */
  begin(target: CallTarget): Call | undefined
  end(span: Span): void
  guard(work: () => void): void
}

export const tracedCalls = (
  recorder: Recorder,
  service: Service,
  guard: (work: () => void) => void,
): Calls => ({
  begin({ method, path, scheme, host, port }) {
    const context = currentContext()
    if (context === 'silent') return undefined
    const whose = context?.span?.service ?? service
    const work = { kind: 'client', service: whose, method, path, scheme } as const
    const { traceId, spanId, flags, traceState, span } = recorder.begin(work, context)
    if (span !== undefined) {
      span.host = host
      span.port = port
    }
    const headers: [string, string][] = [['traceparent', traceParent(traceId, spanId, flags)]]
    if (traceState !== undefined) headers.push(['tracestate', traceState])
    if (context?.baggage !== undefined) headers.push(['baggage', context.baggage])
    return { headers, span }
  },
  end: (span) => recorder.end(span),
  guard,
})

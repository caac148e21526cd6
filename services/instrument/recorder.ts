/** Begins and ends spans, and tells of those that do not end. */
import { followWallClock, nowUs } from './clock.ts'
import type { TraceContext } from './context.ts'
import { newSpanId, newTraceId } from './ids.ts'
import { type Service, Span } from './span.ts'
import { type RemoteParent, SAMPLED } from './trace-context.ts'

/** More requests at a time are served as ever; only that they do not end is not told. */
const MAX_WATCHED = 10_000

export interface RecorderOptions {
  readonly put: (span: Span) => void
  readonly sampledShare: number
  readonly unfinishedAfterMs: number
}

export interface Work {
  readonly kind: 'server' | 'client'
  readonly service: Service
  readonly method: string
  readonly path: string
  readonly scheme: string
}

/** What a new piece of work belongs to. */
export type Parent = RemoteParent | TraceContext | undefined

export interface Begun {
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
  readonly traceState: string | undefined
  /** Undefined: not sampled. The ids travel on all the same. */
  readonly span: Span | undefined
}

export class Recorder {
  readonly #options: RecorderOptions
  /** In the order in which they began. */
  readonly #open = new Set<Span>()

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  begin(work: Work, parent: Parent): Begun {
    const traceId = parent?.traceId ?? newTraceId()
    const spanId = newSpanId()
    const traceState = parent?.traceState
    const flags = parent?.flags ?? (this.#samples(traceId) ? SAMPLED : 0)
    if ((flags & SAMPLED) === 0) return { traceId, spanId, flags, traceState, span: undefined }
    const ids = { traceId, spanId, parentSpanId: parent?.spanId, traceState }
    const span = new Span({ ...work, ...ids, startUs: nowUs() })
    if (this.#open.size < MAX_WATCHED) this.#open.add(span)
    return { traceId, spanId, flags, traceState, span }
  }

  /** A second end of the same span is none. */
  end(span: Span): void {
    if (span.durationUs !== undefined) return
    // The wall clock may have been followed, backwards, in between.
    span.durationUs = Math.max(0, nowUs() - span.startUs)
    this.#open.delete(span)
    this.#options.put(span)
  }

  /** Called about once a second: each span that has been open for too long is told of once. */
  look(): void {
    followWallClock()
    const since = nowUs() - this.#options.unfinishedAfterMs * 1_000
    for (const span of this.#open) {
      if (span.startUs > since) break
      this.#open.delete(span)
      this.#options.put(span.snapshot())
    }
  }

  /** The same share of all services that decide by trace id: they keep the same traces. */
  #samples(traceId: string): boolean {
    const { sampledShare } = this.#options
    if (sampledShare >= 1) return true
    return Number.parseInt(traceId.slice(-12), 16) < sampledShare * 2 ** 48
  }
}

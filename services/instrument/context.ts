/** The trace that the running code belongs to, kept across awaits, timers and events. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventEmitter } from 'node:events'
import type { Span } from './span.ts'

export interface TraceContext {
  readonly traceId: string
  /** Parent of what is called from here. */
  readonly spanId: string
  readonly flags: number
  readonly traceState: string | undefined
  readonly baggage: string | undefined
  /** The request that is being served; undefined where it is not sampled. */
  readonly span: Span | undefined
}

/** `silent`: the instrument's own requests, which nobody wants to see. */
const storage = new AsyncLocalStorage<TraceContext | 'silent' | undefined>()

export const currentContext = (): TraceContext | 'silent' | undefined => storage.getStore()

/** For the rest of what runs now, and all that it starts. */
export const enterContext = (context: TraceContext): void => storage.enterWith(context)

export const silently = <T>(work: () => T): T => storage.run('silent', work)

/**
 * Lets all listeners of a request run in its context: a body comes from a socket that has served
 * other requests before. It is a third of what a request costs, so only bodies get it.
 */
export const bindEvents = (emitter: EventEmitter, context: TraceContext): void => {
  const emit = emitter.emit.bind(emitter)
  emitter.emit = (...event: Parameters<typeof emit>): boolean =>
    storage.getStore() === context ? emit(...event) : storage.run(context, () => emit(...event))
}

export interface TraceIds {
  readonly traceId?: string
  readonly spanId?: string
}

/** For log lines: `pino({ mixin: currentTrace })`. Empty outside of a request. */
export const currentTrace = (): TraceIds => {
  const context = storage.getStore()
  if (context === undefined || context === 'silent') return {}
  return { traceId: context.traceId, spanId: context.spanId }
}

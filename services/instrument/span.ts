/** One request that was served or made. Plain fields, filled as it goes; what they become is decided off the request's path. */

/** Who did the work: attributes of an OpenTelemetry resource. The same object for all spans of a service. */
export interface Service {
  readonly attributes: Readonly<Record<string, string>>
}

export interface Failure {
  readonly type: string
  readonly message: string
  readonly stack: string | undefined
}

export class Span {
  readonly kind: 'server' | 'client'
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly traceState: string | undefined
  /** Microseconds since 1970. */
  readonly startUs: number
  service: Service
  method: string
  /** Without the query. */
  path: string
  scheme: string
  /** Host and port that were called, of a client. */
  host = ''
  port: number | undefined
  /** Route template, where a framework tells. */
  route: string | undefined
  statusCode: number | undefined
  failure: Failure | undefined
  /** Undefined: not ended. */
  durationUs: number | undefined

  constructor(begin: {
    readonly kind: 'server' | 'client'
    readonly traceId: string
    readonly spanId: string
    readonly parentSpanId: string | undefined
    readonly traceState: string | undefined
    readonly startUs: number
    readonly service: Service
    readonly method: string
    readonly path: string
    readonly scheme: string
  }) {
    this.kind = begin.kind
    this.traceId = begin.traceId
    this.spanId = begin.spanId
    this.parentSpanId = begin.parentSpanId
    this.traceState = begin.traceState
    this.startUs = begin.startUs
    this.service = begin.service
    this.method = begin.method
    this.path = begin.path
    this.scheme = begin.scheme
    this.route = undefined
    this.statusCode = undefined
    this.failure = undefined
    this.durationUs = undefined
    this.port = undefined
  }

  /** As it is now: the span itself goes on. */
  snapshot(): Span {
    return Object.assign(new Span(this), this)
  }

  /** The first failure counts: what follows is mostly its consequence. */
  fail(error: unknown): void {
    this.failure ??= failureOf(error)
  }
}

const MAX_MESSAGE = 2_048
const MAX_STACK = 16_384
const MAX_CAUSES = 5

/** Text at once, not the error: it may hold on to anything. Costs only requests that fail. */
export const failureOf = (error: unknown): Failure => {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: textOf(error).slice(0, MAX_MESSAGE), stack: undefined }
  }
  const name = typeof error.name === 'string' && error.name !== '' ? error.name : 'Error'
  return {
    type: name === 'Error' ? error.constructor.name || name : name,
    message: textOf(error.message).slice(0, MAX_MESSAGE),
    stack: stackOf(error).slice(0, MAX_STACK),
  }
}

const stackOf = (error: Error): string => {
  const stacks: string[] = []
  let current: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    stacks.push(textOf(current.stack ?? current.message))
    current = current.cause
  }
  return stacks.join('\nCaused by: ')
}

const textOf = (value: unknown): string => {
  try {
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  } catch {
    return 'a value that cannot be shown'
  }
}

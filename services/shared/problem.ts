/**
 * RFC 9457 problem documents: the only shape in which our HTTP servers report an error, unless a
 * protocol has its own.
 *
 * A problem says what was wrong (`field`, `value`), what would have been right (`limit`), and in
 * `detail` the way out in one sentence. `code` is stable; scripts switch on it, not on the text.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface ProblemField {
  readonly field: string
  readonly value: unknown
  readonly limit: string
}

export interface ProblemKind {
  readonly status: number
  readonly title: string
}

/** What any server of ours may answer; each adds its own. */
export type CommonProblemCode = 'invalid-request' | 'unknown-path' | 'internal'

export const commonProblems: Readonly<Record<CommonProblemCode, ProblemKind>> = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'unknown-path': { status: 404, title: 'There is nothing at this path' },
  internal: { status: 500, title: 'Something went wrong inside Millrace' },
}

export interface ProblemOptions {
  readonly at?: ProblemField
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

export class Problem extends Error {
  override readonly name: string = 'Problem'
  /** Undefined for what only has a status. */
  readonly code: string | undefined
  readonly kind: ProblemKind
  readonly at: ProblemField | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: string | undefined,
    kind: ProblemKind,
    detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, { cause: options.cause })
    this.code = code
    this.kind = kind
    this.at = options.at
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return this.kind.status
  }
}

export const commonProblem = (
  code: CommonProblemCode,
  detail: string,
  options: ProblemOptions = {},
): Problem => new Problem(code, commonProblems[code], detail, options)

/** An own form of a problem's fields, for answers that name several. */
export const quoted = ({ field, value, limit }: ProblemField): ProblemField => ({
  field,
  value: quotable(value),
  limit,
})

/** A parameter or field whose value is wrong: fact, value and limit in one sentence. */
export const invalidParameter = ({ field, value, limit }: ProblemField): Problem => {
  const found = value === null || value === undefined ? '' : `, but is ${show(value)}`
  return commonProblem('invalid-request', `${field} must be ${limit}${found}`, {
    at: { field, value, limit },
  })
}

const internalProblem = (cause: unknown): Problem =>
  commonProblem('internal', 'this is a mistake in Millrace; its log has the details', { cause })

/** Whatever a handler threw. Statuses without a code of ours (413, 415, ...) keep the framework's own words. */
export const problemOf = (error: Error & { readonly statusCode?: number }): Problem => {
  if (error instanceof Problem) return error
  const { statusCode: status = 500, message } = error
  return status >= 500 ? internalProblem(error) : foreignProblem(status, message)
}

export const foreignProblem = (status: number, detail: string): Problem =>
  new Problem(undefined, { status, title: STATUS_CODES[status] ?? 'Error' }, detail)

export const toDocument = ({ code, kind, message, at }: Problem, instance: string) => ({
  type: code === undefined ? 'about:blank' : `urn:millrace:problem:${code}`,
  title: kind.title,
  status: kind.status,
  ...(code === undefined ? {} : { code }),
  detail: message,
  instance,
  ...(at && quoted(at)),
})

/** The status, and when to come again; the text is the caller's. Only what someone must act on is logged. */
export const replyTo = (
  problem: Problem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  if (problem.code === 'internal') {
    request.log.error({ err: problem.cause ?? problem, path: request.url }, problem.message)
  }
  if (problem.retryAfterSeconds !== undefined) {
    void reply.header('retry-after', String(problem.retryAfterSeconds))
  }
  return reply.code(problem.status)
}

export const sendProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply) =>
  replyTo(problem, request, reply)
    .type('application/problem+json')
    .send(JSON.stringify(toDocument(problem, request.url)))

/** Values come from strangers and may be long: an error quotes at most this much. */
const quotedCharacters = 80

const cut = (text: string): string =>
  text.length > quotedCharacters ? `${text.slice(0, quotedCharacters)}...` : text

/** As JSON can say it, and short. */
const quotable = (value: unknown): unknown => {
  if (value === undefined) return null
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `an array of ${String(value.length)}`
  return typeof value === 'object' && value !== null ? 'an object' : value
}

export const show = (value: unknown): string =>
  value === undefined ? 'missing' : cut(JSON.stringify(quotable(value)))

/**
 * RFC 9457 problem documents: the only shape in which this service reports an error.
 *
 * A problem says what was wrong (`field`, `value`), what would have been right (`limit`), and in
 * `detail` the way out in one sentence. `code` is stable; scripts switch on it, not on the text.
 */
import { STATUS_CODES } from 'node:http'

export interface ProblemField {
  readonly field: string
  readonly value: unknown
  readonly limit: string
}

export type ProblemCode =
  | 'invalid-request'
  | 'invalid-cursor'
  | 'unknown-path'
  | 'unknown-series'
  | 'unknown-anomaly'
  | 'storage-unavailable'
  | 'storage-not-prepared'
  | 'storage-busy'
  | 'query-too-slow'
  | 'result-too-large'
  | 'internal'

export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  readonly instance: string
  readonly field?: string
  readonly value?: unknown
  readonly limit?: string
}

const titles: Record<ProblemCode, string> = {
  'invalid-request': 'The request is not valid',
  'invalid-cursor': 'The cursor does not belong to this list',
  'unknown-path': 'There is nothing at this path',
  'unknown-series': 'No such series',
  'unknown-anomaly': 'No such anomaly',
  'storage-unavailable': 'ClickHouse cannot be reached',
  'storage-not-prepared': 'ClickHouse does not have the tables yet',
  'storage-busy': 'ClickHouse has too much to do',
  'query-too-slow': 'The query took too long',
  'result-too-large': 'The query reads too much',
  internal: 'Something went wrong inside Millrace',
}

const statuses: Record<ProblemCode, number> = {
  'invalid-request': 400,
  'invalid-cursor': 400,
  'unknown-path': 404,
  'unknown-series': 404,
  'unknown-anomaly': 404,
  'storage-unavailable': 503,
  'storage-not-prepared': 503,
  'storage-busy': 503,
  'query-too-slow': 503,
  'result-too-large': 422,
  internal: 500,
}

export interface ProblemOptions {
  readonly at?: ProblemField
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: ProblemCode
  readonly status: number
  readonly at: ProblemField | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.status = statuses[code]
    this.at = options.at
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** A parameter whose value is wrong: fact, value and limit in one sentence. */
export const invalidParameter = (at: ProblemField): ApiProblem =>
  new ApiProblem('invalid-request', `${at.field} must be ${at.limit}, but is ${show(at.value)}`, {
    at,
  })

export const toDocument = (problem: ApiProblem, instance: string): ProblemDocument => ({
  type: `urn:millrace:problem:${problem.code}`,
  title: titles[problem.code],
  status: problem.status,
  code: problem.code,
  detail: problem.message,
  instance,
  ...problem.at,
})

/** Statuses that have no code of ours (413, 415, ...): the framework's own words. */
export const foreignDocument = (status: number, detail: string, instance: string) => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
  detail,
  instance,
})

/** Values come from strangers and may be long: an error quotes at most this much. */
const quotedCharacters = 80

export const show = (value: unknown): string => {
  // What cannot be JSON (undefined) has no text of its own.
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  return text.length > quotedCharacters ? `${text.slice(0, quotedCharacters)}...` : text
}

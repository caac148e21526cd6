/** The problems that the query API answers beside those that every server of ours knows. */
import { Problem, type ProblemKind, type ProblemOptions } from '../shared/problem.ts'

export type ApiProblemCode =
  | 'invalid-cursor'
  | 'unknown-series'
  | 'unknown-anomaly'
  | 'storage-unavailable'
  | 'storage-not-prepared'
  | 'storage-busy'
  | 'query-too-slow'
  | 'result-too-large'

const kinds: Readonly<Record<ApiProblemCode, ProblemKind>> = {
  'invalid-cursor': { status: 400, title: 'The cursor does not belong to this list' },
  'unknown-series': { status: 404, title: 'No such series' },
  'unknown-anomaly': { status: 404, title: 'No such anomaly' },
  'storage-unavailable': { status: 503, title: 'ClickHouse cannot be reached' },
  'storage-not-prepared': { status: 503, title: 'ClickHouse does not have the tables yet' },
  'storage-busy': { status: 503, title: 'ClickHouse has too much to do' },
  'query-too-slow': { status: 503, title: 'The query took too long' },
  'result-too-large': { status: 422, title: 'The query reads too much' },
}

export const apiProblem = (
  code: ApiProblemCode,
  detail: string,
  options?: ProblemOptions,
): Problem => new Problem(code, kinds[code], detail, options)

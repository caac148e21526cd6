/**
 * The one door to ClickHouse: parameterised reads with a time limit and a row limit.
 *
 * Callers get rows or a `Problem` that says what is wrong with the storage and when to come
 * back; nothing above this file knows a ClickHouse error code.
 */
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client'
import { commonProblem, type Problem } from '../../shared/problem.ts'
import { apiProblem } from '../problem.ts'

export type QueryParameter = string | number | boolean | readonly string[]

export interface Query {
  readonly sql: string
  readonly params?: Readonly<Record<string, QueryParameter>>
}

export interface Storage {
  /** `Row` is what the SQL beside the call selects. */
  rows<Row>(query: Query): Promise<Row[]>
}

/** No answer of this service needs more; a query that does is a mistake, not a big question. */
export const maxExecutionSeconds = 10
const maxResultRows = 20_000
const retryAfterSeconds = 5

export interface Patience {
  /** After so long without rows ClickHouse is asked whether it is there at all, again and again. */
  readonly quietMs: number
  /** Its answer to that may take so long. */
  readonly pingMs: number
}

/** Somebody before a page hears within 5 s that the storage hangs; a query that works may take its time. */
export const usualPatience: Patience = { quietMs: 2_500, pingMs: 1_500 }

export const createStorage = (client: ClickHouseClient, patience = usualPatience): Storage => ({
  async rows<Row>({ sql, params }: Query): Promise<Row[]> {
    const watch = watchOver(client, patience)
    try {
      const result = await client.query({
        query: sql,
        query_params: { ...params },
        format: 'JSONEachRow',
        abort_signal: watch.hangs,
        clickhouse_settings: {
          readonly: '1',
          max_execution_time: maxExecutionSeconds,
          max_result_rows: String(maxResultRows),
          result_overflow_mode: 'throw',
          // 0 asks for NaN and infinities as strings instead of null: a null would hide a fact.
          output_format_json_quote_denormals: 1,
          output_format_json_quote_64bit_integers: 0,
          cancel_http_readonly_queries_on_client_close: 1,
        },
      })
      return await result.json<Row>()
    } catch (error) {
      throw watch.hangs.aborted ? unreachable(watch.hangs.reason) : toStorageProblem(error)
    } finally {
      watch.end()
    }
  },
})

const watchOver = (client: ClickHouseClient, { quietMs, pingMs }: Patience) => {
  const hanging = new AbortController()
  const ended = new AbortController()
  const ask = async (): Promise<void> => {
    const abort_signal = AbortSignal.any([ended.signal, AbortSignal.timeout(pingMs)])
    const { success } = await client.ping({ select: false, abort_signal })
    if (ended.signal.aborted) return
    if (success) timer = setTimeout(() => void ask(), quietMs)
    else hanging.abort(new Error('it accepts connections and does not answer'))
  }
  let timer = setTimeout(() => void ask(), quietMs)
  return {
    hangs: hanging.signal,
    end: () => {
      clearTimeout(timer)
      ended.abort()
    },
  }
}

/** Names as ClickHouse's src/Common/ErrorCodes.cpp has them. */
const notPrepared = new Set(['UNKNOWN_TABLE', 'UNKNOWN_DATABASE', 'UNKNOWN_IDENTIFIER'])
const tooSlow = new Set(['TIMEOUT_EXCEEDED', 'TOO_SLOW'])
const tooMuch = new Set(['TOO_MANY_ROWS', 'TOO_MANY_BYTES', 'TOO_MANY_ROWS_OR_BYTES'])
const busy = new Set(['TOO_MANY_SIMULTANEOUS_QUERIES', 'MEMORY_LIMIT_EXCEEDED'])
const refused = new Set(['AUTHENTICATION_FAILED', 'ACCESS_DENIED', 'REQUIRED_PASSWORD'])

export const toStorageProblem = (error: unknown): Problem => {
  if (!(error instanceof ClickHouseError)) return unreachable(error)
  const kind = error.type ?? ''
  if (notPrepared.has(kind)) {
    return apiProblem(
      'storage-not-prepared',
      `ClickHouse answers, but its tables are missing or of another version (${firstLine(error)}); ` +
        'the sink creates them when it starts: see /readyz for what holds it up',
      { retryAfterSeconds, cause: error },
    )
  }
  if (tooSlow.has(kind)) {
    return apiProblem(
      'query-too-slow',
      `ClickHouse needed more than ${maxExecutionSeconds} s; narrow from and to, or name a series`,
      { retryAfterSeconds, cause: error },
    )
  }
  if (tooMuch.has(kind)) {
    return apiProblem(
      'result-too-large',
      'ClickHouse would have to read more rows than one answer may; narrow from and to, or name a series',
      { cause: error },
    )
  }
  if (busy.has(kind)) {
    return apiProblem('storage-busy', `ClickHouse refuses work for now: ${firstLine(error)}`, {
      retryAfterSeconds,
      cause: error,
    })
  }
  if (refused.has(kind)) {
    return apiProblem(
      'storage-unavailable',
      'ClickHouse refuses the user of this service; check CLICKHOUSE_USERNAME and CLICKHOUSE_PASSWORD_FILE',
      { retryAfterSeconds, cause: error },
    )
  }
  return commonProblem('internal', 'ClickHouse refused a query of this service; see its log', {
    cause: error,
  })
}

const unreachable = (error: unknown): Problem =>
  apiProblem(
    'storage-unavailable',
    `ClickHouse cannot be reached (${reasonOf(error)}); nothing is lost, the sink writes what is ` +
      'missing when it is back: see /readyz',
    { retryAfterSeconds, cause: error },
  )

/** Node puts the reason of a refused connection into `code`, and an AggregateError has no text. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code: unknown = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : error.message
}

const firstLine = (error: Error): string =>
  (error.message.split('\n')[0] ?? '').trim().replace(/\.$/, '')

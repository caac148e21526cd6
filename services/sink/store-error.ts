/** Which failures of ClickHouse pass by themselves. */
import { ClickHouseError } from '@clickhouse/client'
import { SinkError } from './errors.ts'

/**
 * Nobody will have to act, or somebody who will restart or free the server anyway. Names from
 * https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
 */
const passing = new Set([
  'TIMEOUT_EXCEEDED',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'SOCKET_TIMEOUT',
  'NETWORK_ERROR',
  'NOT_ENOUGH_SPACE',
  'MEMORY_LIMIT_EXCEEDED',
  'TOO_MANY_PARTS',
  'TABLE_IS_READ_ONLY',
  'QUERY_WAS_CANCELLED',
  'KEEPER_EXCEPTION',
  'CANNOT_SCHEDULE_TASK',
  'ABORTED',
  'UNKNOWN_DATABASE', // being restored, or not migrated yet
  'UNKNOWN_TABLE',
  'SERVER_OVERLOADED',
])

export const storeError = (what: string, cause: unknown): SinkError => {
  if (cause instanceof SinkError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const refused = cause instanceof ClickHouseError && !passing.has(cause.type ?? '')
  return refused
    ? new SinkError(
        'SINK_STORE_REFUSED',
        `ClickHouse refuses the ${what}: ${reason}. Rows wait in Kafka; correct the cause, the sink goes on by itself.`,
        { cause },
      )
    : new SinkError(
        'SINK_STORE_UNAVAILABLE',
        `ClickHouse cannot take the ${what} now: ${reason}. Rows wait in Kafka; check CLICKHOUSE_URL and that it runs.`,
        { cause },
      )
}

/** The ClickHouse client of a process, from its configuration. */
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import type { ClickHouseTarget } from '../../infra/clickhouse/index.ts'
import type { Config } from './config.ts'

const MAX_CONNECTIONS = 16

/** Where the database is, for its migrations. */
export const clickhouseTarget = ({ clickhouse }: Pick<Config, 'clickhouse'>): ClickHouseTarget => ({
  url: clickhouse.url,
  username: clickhouse.username,
  password: clickhouse.password?.reveal(),
  database: clickhouse.database,
})

export interface ClickHouseClientOptions {
  /** Shown in ClickHouse's own logs. */
  readonly application: string
  /** Longer than the server may work on a request, so that its verdict comes first. */
  readonly requestTimeoutMs: number
}

/** Nothing is connected yet; the first request does it. Close it when done. */
export const openClickHouse = (
  config: Pick<Config, 'clickhouse'>,
  { application, requestTimeoutMs }: ClickHouseClientOptions,
): ClickHouseClient => {
  const { url, username, password, database } = clickhouseTarget(config)
  return createClient({
    url,
    username,
    database,
    ...(password === undefined ? {} : { password }),
    application,
    request_timeout: requestTimeoutMs,
    max_open_connections: MAX_CONNECTIONS,
    log: { level: ClickHouseLogLevel.OFF }, // errors are thrown, with more to say
  })
}

/** The sink's connection to ClickHouse. */
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import type { ClickHouseTarget } from '../../infra/clickhouse/index.ts'
import type { Config } from '../shared/config.ts'

/** Longer than the server works on an insert, so that the server's verdict comes first. */
const REQUEST_TIMEOUT_MS = 60_000
const MAX_CONNECTIONS = 16

export const clickhouseTarget = ({ clickhouse }: Pick<Config, 'clickhouse'>): ClickHouseTarget => ({
  url: clickhouse.url,
  username: clickhouse.username,
  password: clickhouse.password?.reveal(),
  database: clickhouse.database,
})

export const openClickHouse = (target: ClickHouseTarget): ClickHouseClient => {
  const { url, username, password, database } = target
  return createClient({
    url,
    username,
    database,
    ...(password === undefined ? {} : { password }),
    application: 'millrace-sink',
    request_timeout: REQUEST_TIMEOUT_MS,
    max_open_connections: MAX_CONNECTIONS,
    log: { level: ClickHouseLogLevel.OFF }, // errors are thrown, and said once
  })
}

/** The ClickHouse client of a process, from its configuration. */
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import type { ClickHouseTarget } from '../../infra/clickhouse/index.ts'
import type { Config } from './config.ts'
import type { LiveSecret } from './secrets/secrets.ts'

const MAX_CONNECTIONS = 16

/** Where the database is, for its migrations. */
export const clickhouseTarget = async ({
  clickhouse: { url, username, password, database },
}: Pick<Config, 'clickhouse'>): Promise<ClickHouseTarget> => ({
  url,
  username,
  password: (await password?.current())?.reveal(),
  database,
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
  const { url, username, password, database } = config.clickhouse
  const client = createClient({
    url,
    username,
    database,
    application,
    request_timeout: requestTimeoutMs,
    max_open_connections: MAX_CONNECTIONS,
    log: { level: ClickHouseLogLevel.OFF }, // errors are thrown, with more to say
  })
  return password === undefined ? client : loggedIn(client, { username, password })
}

/** The methods of the client that log in. */
const ASKING = new Set<string | symbol>(['query', 'insert', 'command', 'exec'])

/** The client knows one password for ever, unless each request brings its own. */
const loggedIn = (
  client: ClickHouseClient,
  { username, password }: { readonly username: string; readonly password: LiveSecret },
): ClickHouseClient =>
  new Proxy(client, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!ASKING.has(name)) return value.bind(target) as unknown
      return async (request: object): Promise<unknown> => {
        const auth = { username, password: (await password.current()).reveal() }
        return Reflect.apply(value, target, [{ ...request, auth }]) as unknown
      }
    },
  })

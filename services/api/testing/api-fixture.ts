/**
 * The API over a database of its own in the real ClickHouse, with history in it.
 *
 * Times are fixed (an hour on 31 January 2026), so that expectations are numbers, not formulas.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { migrate, pendingMigrations } from '../../../infra/clickhouse/index.ts'
import { readConfig } from '../../shared/config.ts'
import { Identity } from '../../shared/identity/identity.ts'
import { KeyRing } from '../../shared/identity/key-ring.ts'
import { createLogger } from '../../shared/logger.ts'
import { createMetrics } from '../../shared/metrics.ts'
import { buildApp } from '../app.ts'
import type { ApiInstance, ConsumerLag } from '../ports.ts'
import { clickhouseProbe, migrationsProbe } from '../probes.ts'
import { createStorage } from '../queries/storage.ts'
import { createReadiness, type Probe } from '../readiness.ts'

export const beginMs = Date.UTC(2026, 0, 31, 8)
export const minuteMs = 60_000
export const at = (minutes: number): number => beginMs + minutes * minuteMs
export const iso = (ms: number): string => new Date(ms).toISOString()

export interface TestApi {
  readonly app: ApiInstance
  insert(table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void>
  close(): Promise<void>
}

export interface TestApiOptions {
  readonly migrated?: boolean
  readonly probes?: readonly Probe[]
  readonly consumerLag?: readonly ConsumerLag[]
  readonly nowMs?: () => number
  /** With keys in it, every request needs one. */
  readonly keys?: KeyRing
}

export const openTestApi = async (options: TestApiOptions = {}): Promise<TestApi> => {
  const { clickhouse } = readConfig(stackEnvironment())
  const database = uniqueName('api').replaceAll('-', '_')
  const { url, username } = clickhouse
  const password = (await clickhouse.password?.current())?.reveal()
  const target = { url, username, password, database }
  const connection = {
    url,
    username,
    log: { level: ClickHouseLogLevel.OFF },
    ...(password === undefined ? {} : { password }),
  }
  const server = createClient(connection)
  if (options.migrated ?? true) await migrate({ target })
  else await server.command({ query: `CREATE DATABASE ${database}` })
  const client = createClient({ ...connection, database })
  const storage = createStorage(client)
  const nowMs = options.nowMs ?? (() => at(60))
  const pending = async () => (await pendingMigrations({ target })).map(({ name }) => name)
  const ownProbes = [clickhouseProbe(storage), migrationsProbe(pending)]
  const app = await buildApp({
    listeners: { create: (handler) => createServer(handler) },
    rates: { requestsPerSecond: 10_000, bytesPerSecond: Infinity, nowMs: Date.now },
    identity: new Identity({
      keys: options.keys ?? new KeyRing(),
      keysLoaded: () => true,
      tokens: undefined,
      host: '127.0.0.1',
      anonymous: options.keys === undefined,
      nowMs: Date.now,
    }),
    storage,
    readiness: createReadiness({
      probes: [...ownProbes, ...(options.probes ?? [])],
      deadlineMs: 5000,
      shareMs: 0,
      nowMs,
    }),
    metrics: createMetrics({ service: 'api', processMetrics: false }),
    logger: createLogger({ service: 'api', level: 'silent' }),
    consumerLag: () => Promise.resolve(options.consumerLag ?? []),
    nowMs,
  })
  return {
    app,
    insert: (table, rows) => insert(client, table, rows),
    async close() {
      await app.close()
      await server.command({ query: `DROP DATABASE IF EXISTS ${database} SYNC` })
      await Promise.all([client.close(), server.close()])
    },
  }
}

let nextOffset = 0

const insert = async (
  client: ClickHouseClient,
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> => {
  const values = rows.map((row) => ({
    ...row,
    _topic_id: 'test',
    _partition: 0,
    _offset: nextOffset++,
    _ingested_at: iso(Date.now()), // rows expire by arrival, whatever their event time
  }))
  const clickhouse_settings = { date_time_input_format: 'best_effort' as const }
  await client.insert({ table, values, format: 'JSONEachRow', clickhouse_settings })
}

export interface TestSeries {
  readonly tenant: string
  readonly series: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export const testSeries = (
  name: string,
  labels: Readonly<Record<string, string>> = {},
  tenant = 'default',
): TestSeries => {
  const text = JSON.stringify([tenant, name, labels])
  const series = createHash('sha256').update(text).digest('hex').slice(0, 32)
  return { tenant, series, name, labels }
}

export const pointOf = (of: TestSeries, minutes: number, value: number | string) => ({
  ...of,
  timestamp: iso(at(minutes)),
  value,
  unit: '1',
})

export const rollupOf = (of: TestSeries, minute: number, values: readonly number[]) => ({
  ...of,
  window_start: iso(at(minute)),
  window_end: iso(at(minute + 1)),
  count: values.length,
  sum: values.reduce((sum, value) => sum + value, 0),
  min: Math.min(...values),
  max: Math.max(...values),
  mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  sketch: '',
})

export const baselineOf = (of: TestSeries, minutes: number, expected: number) => ({
  ...of,
  timestamp: iso(at(minutes)),
  expected,
  lower: expected - 1,
  upper: expected + 1,
  spread: 0.4,
  samples: 60,
  detector: 'zscore',
  detector_version: 1,
})

export interface TestRevision {
  readonly id: string
  readonly of: TestSeries
  readonly start: number
  readonly revision?: number
  readonly severity?: string
  readonly service?: string
  /** Closed at this minute; open without. */
  readonly end?: number
}

export const anomalyOf = (given: TestRevision) => {
  const { id, of, start, revision = 1, severity = 'high', service = null, end } = given
  return {
    ...of,
    id,
    revision,
    phase: end === undefined ? 'open' : 'closed',
    service,
    kind: 'metric',
    timestamp: iso(at(end ?? start)),
    start: iso(at(start)),
    peak: iso(at(start)),
    end: end === undefined ? null : iso(at(end)),
    value: 600,
    peak_value: 640,
    expected: 180,
    lower: 160,
    upper: 200,
    score: 6.5,
    severity,
    detector: 'zscore',
    detector_version: 1,
    config_version: 0,
    config_hash: 'abc',
    evidence: [{ name: 'threshold', value: 2.5, unit: null, detail: 'standard deviations' }],
    message: `${of.name} is 600 where 180 is usual`,
  }
}

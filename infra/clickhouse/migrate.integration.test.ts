import { readFileSync } from 'node:fs'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { awaitSchema, loadMigrations, migrate, pendingMigrations } from './index.ts'
import type { ClickHouseTarget, Migration } from './index.ts'

const environment = stackEnvironment()
const passwordFile = environment['CLICKHOUSE_PASSWORD_FILE']
const server = {
  url: environment['CLICKHOUSE_URL'] ?? 'http://127.0.0.1:8123',
  username: environment['CLICKHOUSE_USERNAME'] ?? 'default',
  password: passwordFile
    ? readFileSync(passwordFile, 'utf8').trim()
    : environment['CLICKHOUSE_PASSWORD'],
}
let target: ClickHouseTarget
let client: ClickHouseClient

beforeEach(() => {
  target = { ...server, database: uniqueName('migrate').replaceAll('-', '_') }
  client = createClient({ ...server, password: server.password ?? '', database: 'system' })
})
afterEach(async () => {
  await client.command({ query: `DROP DATABASE IF EXISTS ${target.database}` })
  await client.close()
})

const names = (migrations: readonly Migration[]) => migrations.map(({ name }) => name)
const all = names(loadMigrations())

it('brings an empty server to this version, once, whoever else does so at the same time', async () => {
  expect(names(await pendingMigrations({ target }))).toEqual(all)
  await Promise.all([migrate({ target }), migrate({ target }), migrate({ target })])
  expect(await pendingMigrations({ target })).toEqual([])
  expect(await migrate({ target })).toEqual([])
})

it('remembers tokens in every MergeTree but its own history', async () => {
  await migrate({ target })
  const result = await client.query({
    query: `SELECT name, engine_full FROM system.tables
            WHERE database = {database:String} AND engine LIKE '%MergeTree' ORDER BY name`,
    query_params: { database: target.database },
    format: 'JSONEachRow',
  })
  const tables = await result.json<{ name: string; engine_full: string }>()
  const without = tables.filter(
    ({ engine_full }) => !/non_replicated_deduplication_window = [1-9]/.test(engine_full),
  )
  expect(without.map(({ name }) => name)).toEqual(['schema_migrations'])
})

it('goes on where it was cut short', async () => {
  const [first, second, ...rest] = loadMigrations()
  const broken = { ...second!, statements: [...second!.statements, 'CREATE NONSENSE'] }
  await expect(migrate({ target, migrations: [first!, broken] })).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    retryable: false,
  })
  expect(names(await migrate({ target }))).toEqual(names([second!, ...rest]))
})

it('brings an older database to this version with its rows', async () => {
  await migrate({ target, migrations: loadMigrations().slice(0, 3) })
  const { database } = target
  await client.command({
    query: `INSERT INTO ${database}.metrics (tenant, series, name, labels, timestamp, value, _ingested_at)
            VALUES ('t', 's', 'cpu', {'host': 'a'}, now64(3), 1.5, now64(3))`,
  })
  expect(names(await migrate({ target }))).toEqual(all.slice(3))
  const result = await client.query({
    query: `SELECT (SELECT count() FROM ${database}.metrics) AS points, (SELECT count() FROM ${database}.series) AS series,
                   (SELECT count() FROM ${database}.spans_latest) AS spans`,
    format: 'JSONEachRow',
  })
  expect(await result.json()).toEqual([{ points: 1, series: 1, spans: 0 }])
})

it('lets readers wait for it, and tells those that wait in vain what to start', async () => {
  await expect(awaitSchema({ target, timeoutMs: 300 })).rejects.toMatchObject({
    code: 'MIGRATION_TIMEOUT',
    message: expect.stringContaining('Start the sink') as unknown,
  })
  const waiting = awaitSchema({ target, timeoutMs: 30_000 })
  await migrate({ target })
  await waiting
})

it('refuses a database of a newer version', async () => {
  await migrate({ target })
  const older = loadMigrations().slice(0, -1)
  await expect(migrate({ target, migrations: older })).rejects.toMatchObject({
    code: 'MIGRATION_DATABASE_NEWER',
  })
  await expect(awaitSchema({ target, migrations: older, timeoutMs: 300 })).rejects.toMatchObject({
    code: 'MIGRATION_DATABASE_NEWER',
  })
})

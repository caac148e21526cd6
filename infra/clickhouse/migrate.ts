/**
 * Brings a ClickHouse database to the version of this program.
 *
 * M1: ClickHouse has no transactions over DDL, so a migration may be cut short anywhere. Every
 *     statement is therefore repeatable (IF NOT EXISTS and the like; a test checks the files), and
 *     a migration is recorded only behind its last statement: the next run repeats it whole.
 * M2: for the same reason two runners at once do no harm: both apply, both record the same row.
 * M3: nothing is touched when database and program disagree about what was applied before.
 */
import {
  ClickHouseError,
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
} from '@clickhouse/client'
import { setTimeout as delay } from 'node:timers/promises'
import { MigrationError } from './errors.ts'
import { loadMigrations, type Migration } from './migration-files.ts'
import { planMigrations, type AppliedMigration } from './migration-plan.ts'

/** Where the database is. */
export interface ClickHouseTarget {
  readonly url: string
  readonly username: string
  readonly password: string | undefined
  readonly database: string
}

export interface MigrateOptions {
  readonly target: ClickHouseTarget
  readonly migrations?: readonly Migration[]
  readonly onApplied?: (migration: Migration) => void
}

interface Session {
  /** Speaks to a database that always exists: the target may not yet. */
  readonly server: ClickHouseClient
  /** Speaks to the target: statements of migrations name tables without a database. */
  readonly client: ClickHouseClient
  readonly database: string
}

const clientOf = ({ url, username, password }: ClickHouseTarget, database: string) =>
  createClient({
    url,
    username,
    database,
    ...(password === undefined ? {} : { password }),
    application: 'millrace-migrations',
    log: { level: ClickHouseLogLevel.OFF }, // errors are thrown, with more to say
    clickhouse_settings: { async_insert: 0 },
  })

const withSession = async <T>(
  { target }: MigrateOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> => {
  const { database } = target
  const session = {
    server: clientOf(target, 'system'),
    client: clientOf(target, database),
    database,
  }
  try {
    return await work(session)
  } finally {
    await Promise.all([session.server.close(), session.client.close()])
  }
}

const quoted = (identifier: string): string => `\`${identifier.replaceAll(/[\\`]/g, '\\$&')}\``

const historyTable = (database: string): string => `${quoted(database)}.schema_migrations`

/** ClickHouse: UNKNOWN_TABLE, UNKNOWN_DATABASE. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '60' || error.code === '81')

const readApplied = async ({ server, database }: Session): Promise<AppliedMigration[]> => {
  try {
    const result = await server.query({
      query: `SELECT version, name, checksum FROM ${historyTable(database)} FINAL ORDER BY version`,
      format: 'JSONEachRow',
    })
    return await result.json<AppliedMigration>()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

const createHistory = async ({ server, database }: Session): Promise<void> => {
  await server.command({ query: `CREATE DATABASE IF NOT EXISTS ${quoted(database)}` })
  await server.command({
    query: `CREATE TABLE IF NOT EXISTS ${historyTable(database)}
      (version UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
      ENGINE = ReplacingMergeTree ORDER BY version`,
  })
}

const apply = async (session: Session, migration: Migration): Promise<void> => {
  const { client, server, database } = session
  for (const [index, statement] of migration.statements.entries()) {
    try {
      await client.command({
        query: statement,
        http_headers: { 'X-ClickHouse-Database': database },
      })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new MigrationError(
        'MIGRATION_FAILED',
        `Statement ${String(index + 1)} of migration ${String(migration.version)} (${migration.name}) failed: ` +
          `${reason}. What went before is kept; correct the cause and start again.`,
        { cause, retryable: !(cause instanceof ClickHouseError) },
      )
    }
  }
  const { version, name, checksum } = migration
  await server.insert({
    table: historyTable(database),
    values: [{ version, name, checksum }],
    columns: ['version', 'name', 'checksum'],
    format: 'JSONEachRow',
  })
}

/** Applies what is missing; returns what it applied (nothing on a database that is up to date). */
export const migrate = (options: MigrateOptions): Promise<readonly Migration[]> =>
  withSession(options, async (session) => {
    const known = options.migrations ?? loadMigrations()
    const pending = planMigrations(known, await readApplied(session))
    if (pending.length === 0) return []
    await createHistory(session)
    for (const migration of pending) {
      await apply(session, migration)
      options.onApplied?.(migration)
    }
    return pending
  })

/** The migrations a reader still waits for; throws when it must not use the database at all. */
export const pendingMigrations = (options: MigrateOptions): Promise<readonly Migration[]> =>
  withSession(options, async (session) =>
    planMigrations(options.migrations ?? loadMigrations(), await readApplied(session)),
  )

export interface AwaitSchemaOptions extends MigrateOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

const POLL_MS = 250

/** For processes that read but do not own the tables: waits until somebody has migrated. */
export const awaitSchema = async (options: AwaitSchemaOptions): Promise<void> => {
  const deadlineMs = performance.now() + options.timeoutMs
  let reason: unknown
  for (;;) {
    try {
      const pending = await pendingMigrations(options)
      if (pending.length === 0) return
      reason = `${String(pending.length)} migrations are not applied`
    } catch (error) {
      if (error instanceof MigrationError) throw error
      reason = error
    }
    if (performance.now() > deadlineMs) {
      const text = reason instanceof Error ? reason.message : String(reason)
      throw new MigrationError(
        'MIGRATION_TIMEOUT',
        `The database '${options.target.database}' was not ready in ${String(options.timeoutMs)} ms: ${text}. ` +
          `Start the sink (millrace service sink), which migrates it.`,
        { cause: reason, retryable: true },
      )
    }
    await delay(POLL_MS, undefined, options.signal ? { signal: options.signal } : {})
  }
}

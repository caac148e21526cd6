import { describe, expect, it } from 'vitest'
import { checksumOf, loadMigrations, type Migration } from './migration-files.ts'
import { planMigrations } from './migration-plan.ts'

const migration = (version: number, sql = `SELECT ${String(version)}`): Migration => ({
  version,
  name: 'x',
  checksum: checksumOf(sql),
  statements: [sql],
})
const known = [migration(1), migration(2), migration(3)]
const planned = (applied: readonly Migration[]) =>
  planMigrations(known, applied).map(({ version }) => version)

describe('what is left to apply', () => {
  it.each([
    { title: 'everything on an empty database', applied: [], left: [1, 2, 3] },
    { title: 'what is newer than the database', applied: known.slice(0, 2), left: [3] },
    { title: 'nothing when all is applied', applied: known, left: [] },
    {
      title: 'one that was cut short between others',
      applied: [migration(1), migration(3)],
      left: [2],
    },
  ])('$title', ({ applied, left }) => {
    expect(planned(applied)).toEqual(left)
  })

  it('is refused when an applied migration reads differently now', () => {
    expect(() => planned([migration(1), migration(2, 'SELECT 22')])).toThrow(
      expect.objectContaining({
        code: 'MIGRATION_CHANGED',
        message: expect.stringContaining('0002_x'),
      }),
    )
  })

  it('is refused when the database is newer', () => {
    expect(() => planned([...known, migration(4)])).toThrow(
      expect.objectContaining({ code: 'MIGRATION_DATABASE_NEWER' }),
    )
  })

  it('does not depend on line ends', () => {
    expect(checksumOf('SELECT 1;\r\n')).toBe(checksumOf('SELECT 1;\n'))
  })
})

describe('the migrations of this program', () => {
  const repeatable =
    /^(CREATE (TABLE|DATABASE|MATERIALIZED VIEW|VIEW|DICTIONARY) IF NOT EXISTS|CREATE OR REPLACE (VIEW|DICTIONARY)|DROP (TABLE|VIEW) IF EXISTS|ALTER TABLE \w+\s+(ADD (COLUMN|INDEX) IF NOT EXISTS|DROP (COLUMN|INDEX) IF EXISTS|MODIFY|REMOVE))/
  const withoutComments = (sql: string): string => sql.replaceAll(/^--.*\n/gm, '').trim()
  const statements = loadMigrations().flatMap(({ name, statements }) =>
    statements.map((sql) => ({ name, sql: withoutComments(sql) })),
  )

  it.each(statements)('$name: $sql is repeatable', ({ sql }) => {
    expect(sql).toMatch(repeatable)
  })

  it.each(statements.filter(({ sql }) => sql.includes('MergeTree')))(
    '$name: $sql remembers the tokens of inserted blocks',
    ({ sql }) => {
      expect(sql).toMatch(/non_replicated_deduplication_window = [1-9]\d{2,}/)
    },
  )
})

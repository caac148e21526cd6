/** The numbered SQL files beside this one, and what each stands for. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { MigrationError } from './errors.ts'
import { splitStatements } from './split-statements.ts'

export interface Migration {
  readonly version: number
  /** Without number and extension, e.g. `metrics`. */
  readonly name: string
  readonly checksum: string
  readonly statements: readonly string[]
}

export const migrationsFolder = join(import.meta.dirname, 'migrations')

const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/

/** Line ends are not part of what a migration says: a checkout may turn them into CRLF. */
export const checksumOf = (sql: string): string =>
  createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex')

const parse = (folder: string, file: string): Migration => {
  const [, number, name] = fileName.exec(file) ?? []
  if (number === undefined || name === undefined) {
    throw new MigrationError(
      'MIGRATION_FILES_INVALID',
      `Migration file '${file}' is not named like 0001_name.sql; rename it.`,
    )
  }
  const sql = readFileSync(join(folder, file), 'utf8')
  return {
    version: Number(number),
    name,
    checksum: checksumOf(sql),
    statements: splitStatements(sql),
  }
}

/** In order of their numbers, which begin at 1 and have no holes. */
export const loadMigrations = (folder: string = migrationsFolder): readonly Migration[] => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
  const migrations = files.map((file) => parse(folder, file)).sort((a, b) => a.version - b.version)
  migrations.forEach(({ version }, index) => {
    if (version === index + 1) return
    throw new MigrationError(
      'MIGRATION_FILES_INVALID',
      `Migration number ${String(index + 1)} is missing or given twice in ${folder}; number the files 0001, 0002, ...`,
    )
  })
  return migrations
}

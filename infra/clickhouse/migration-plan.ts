/** What is left to do, or why nothing may be done: pure, so that every refusal is a table row in a test. */
import { MigrationError } from './errors.ts'
import type { Migration } from './migration-files.ts'

export interface AppliedMigration {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

const label = ({ version, name }: Pick<Migration, 'version' | 'name'>): string =>
  `${String(version).padStart(4, '0')}_${name}`

/** The migrations to apply, in order. Throws MigrationError when database and program disagree. */
export const planMigrations = (
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly Migration[] => {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]))
  for (const done of applied) {
    const migration = byVersion.get(done.version)
    if (migration === undefined) {
      throw new MigrationError(
        'MIGRATION_DATABASE_NEWER',
        `The database was migrated to ${label(done)}, but this program knows migrations up to ` +
          `${String(known.length)} only. Start the newer version, or restore a backup made before the upgrade.`,
      )
    }
    if (migration.checksum !== done.checksum) {
      throw new MigrationError(
        'MIGRATION_CHANGED',
        `Migration ${label(migration)} was applied with checksum ${done.checksum.slice(0, 12)}, but its ` +
          `file has ${migration.checksum.slice(0, 12)}. Restore the file and put the change into a new migration.`,
      )
    }
  }
  const done = new Set(applied.map(({ version }) => version))
  return known.filter(({ version }) => !done.has(version))
}

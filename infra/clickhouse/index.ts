/** The tables of ClickHouse: who reads or writes them waits for, or brings, their version. */
export { MigrationError, type MigrationErrorCode } from './errors.ts'
export { loadMigrations, type Migration } from './migration-files.ts'
export { awaitSchema, migrate, pendingMigrations, type ClickHouseTarget } from './migrate.ts'

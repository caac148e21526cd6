/** The tables of ClickHouse: who reads or writes them waits for, or brings, their version. */
export { loadMigrations, type Migration } from './migration-files.ts'
export { awaitSchema, migrate, pendingMigrations, type ClickHouseTarget } from './migrate.ts'

/** Why the database cannot be brought to, or used at, the version of this program. */
export type MigrationErrorCode =
  | 'MIGRATION_CHANGED' // a migration that was applied reads differently now
  | 'MIGRATION_DATABASE_NEWER' // the database knows migrations that this program does not
  | 'MIGRATION_FAILED' // ClickHouse refused a statement
  | 'MIGRATION_FILES_INVALID' // the files are not numbered 0001, 0002, ... without a hole
  | 'MIGRATION_TIMEOUT' // nobody migrated the database in time

export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  readonly code: MigrationErrorCode
  readonly retryable: boolean

  constructor(
    code: MigrationErrorCode,
    message: string,
    options?: ErrorOptions & { retryable?: boolean },
  ) {
    super(message, options)
    this.code = code
    this.retryable = options?.retryable ?? false
  }
}

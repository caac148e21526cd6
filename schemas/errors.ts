/** Codes of this room; docs/errors.md lists them. */
export type SchemaErrorCode =
  'AVRO_UNSUPPORTED' | 'DECIMAL_INVALID' | 'SERIES_KEY_INVALID' | 'TOPIC_UNKNOWN'

/** A value or schema that breaks the contract of the topics. Never worth a retry. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
  readonly retryable = false
  readonly code: SchemaErrorCode

  constructor(code: SchemaErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

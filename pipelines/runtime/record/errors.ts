export type RecordFormatCode =
  | 'RECORD_UNSUPPORTED_MAGIC'
  | 'RECORD_CORRUPT'
  | 'RECORD_CRC_MISMATCH'
  | 'RECORD_UNSUPPORTED_COMPRESSION'
  | 'RECORD_BATCH_TOO_LARGE'

/** Bytes that claim to be a record batch are not one we can read. Never retryable. */
export class RecordFormatError extends Error {
  override readonly name = 'RecordFormatError'
  readonly code: RecordFormatCode
  readonly retryable = false

  constructor(code: RecordFormatCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Operational failures of the sink. What is wrong with a single record is a value, not an error. */
export type SinkErrorCode =
  | 'SINK_STORE_UNAVAILABLE' // ClickHouse is down, overloaded or read-only for now
  | 'SINK_STORE_REFUSED' // ClickHouse understands and will not: schema, rights, a bug

export class SinkError extends Error {
  override readonly name = 'SinkError'
  readonly code: SinkErrorCode
  readonly retryable: boolean

  constructor(code: SinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.retryable = code === 'SINK_STORE_UNAVAILABLE'
  }
}

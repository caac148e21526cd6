/** Codes of this room; docs/errors.md lists them. */
export const RUNTIME_ERROR_CODES = [
  'TOPOLOGY_INVALID',
  'TOPOLOGY_PARTITIONS_CHANGED',
  'TOPOLOGY_CHANGED',
  'STATE_UNREADABLE',
  'STATE_MISSING',
  'POSITIONS_CONTRADICT_STATE',
  'TOPIC_RECREATED',
  'PIPELINE_FAILED',
] as const
export type RuntimeErrorCode = (typeof RUNTIME_ERROR_CODES)[number]

/** A topology that cannot run as declared, or a task that cannot go on. Never worth a retry. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
  readonly retryable = false
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What went wrong, in words. */
export const textOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/** Why a record was put aside instead of processed; the header `reason` of a dead letter. */
export const RUNTIME_REASON_CODES = [
  'not-confluent-avro',
  'undecodable',
  'unknown-schema',
  'malformed-value',
  'missing-value',
  'invalid-key',
  'event-time-before-1970',
  'event-time-ahead',
  'non-finite-value',
  'record-too-large',
  'batch-too-large',
  'rejected',
] as const
export type ReasonCode = (typeof RUNTIME_REASON_CODES)[number]

/**
 * What can be wrong with Avro data or an Avro schema.
 *
 * Hot loops hand faults around as negative numbers, so that a bad record costs no exception and a
 * good one no result object: a reader returns the position behind what it read, or a fault.
 * Everything slower throws AvroError; AVRO_MALFORMED carries the fault.
 */
export const avroFaults = {
  truncated: -1,
  'overlong-varint': -2,
  'negative-length': -3,
  'unknown-branch': -4,
  'unknown-symbol': -5,
  'unsafe-long': -6,
  'int-out-of-range': -7,
  'not-a-boolean': -8,
  'too-deep': -9,
  'too-many-items': -10,
  'block-size-mismatch': -11,
  'trailing-bytes': -12,
  undecodable: -13,
} as const

export type AvroDataFault = keyof typeof avroFaults

/** A position (>= 0) or a member of `avroFaults` (< 0). */
export type PositionOrFault = number

/** Codes of this room; docs/errors.md lists them. */
export const AVRO_ERROR_CODES = [
  'AVRO_MALFORMED',
  'AVRO_SCHEMA_INVALID',
  'AVRO_SCHEMA_NOT_A_RECORD',
  'AVRO_SCHEMA_INCOMPATIBLE',
  'AVRO_VALUE_INVALID',
] as const
export type AvroErrorCode = (typeof AVRO_ERROR_CODES)[number]

const meanings: Record<AvroDataFault, string> = {
  truncated: 'the record ends in the middle of a value',
  'overlong-varint': 'a number takes more than the 10 bytes of 64 bits',
  'negative-length': 'a length or block size is negative',
  'unknown-branch': 'a union names a branch that the schema does not have',
  'unknown-symbol': 'an enum names a symbol that the schema does not have',
  'unsafe-long': 'a long lies beyond 2^53 and would lose digits',
  'int-out-of-range': 'an int lies outside 32 bits',
  'not-a-boolean': 'a boolean is neither 0 nor 1',
  'too-deep': 'records are nested deeper than 64 levels',
  'too-many-items': 'an array of empty items claims more than 65536 of them',
  'block-size-mismatch': 'a block of items is not as long as it says',
  'trailing-bytes': 'bytes follow the end of the record',
  undecodable: 'the bytes do not follow the schema',
}

const faultNames = new Map<number, AvroDataFault>(
  (Object.keys(avroFaults) as AvroDataFault[]).map((name) => [avroFaults[name], name]),
)

/** The name of a negative result; the reason code of a dead letter. */
export const avroFaultName = (fault: number): AvroDataFault =>
  faultNames.get(fault) ?? 'undecodable'

export interface AvroErrorOptions extends ErrorOptions {
  readonly fault?: AvroDataFault
  readonly path?: string
}

export class AvroError extends Error {
  override readonly name = 'AvroError'
  /** Bad bytes and bad schemas stay bad: a repeated attempt gives the same answer. */
  readonly retryable = false
  readonly code: AvroErrorCode
  /** What is wrong with the bytes; only for AVRO_MALFORMED. */
  readonly fault: AvroDataFault | undefined
  /** Where in the value the problem lies, e.g. `labels.host`; only for AVRO_VALUE_INVALID. */
  readonly path: string | undefined

  constructor(code: AvroErrorCode, message: string, options: AvroErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.fault = options.fault
    this.path = options.path
  }
}

export const avroDataError = (position: number, schemaName: string, cause?: Error): AvroError => {
  const fault = avroFaultName(position)
  const detail = cause === undefined ? '' : ` (${cause.message})`
  return new AvroError(
    'AVRO_MALFORMED',
    `Not a valid Avro ${schemaName}: ${meanings[fault]}${detail}; it was written with another schema or damaged`,
    { fault, cause },
  )
}

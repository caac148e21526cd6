/**
 * Whole records: decode with schema resolution (defaults, promotion, reordering, aliases), encode to
 * the Confluent wire format. For the hot path that needs two fields of twenty see field-reader.ts.
 *
 * Longs are JS numbers, timestamps stay numbers, bytes and fixed are Buffers.
 */
import type { AvroSchema } from '../../../schemas/topic.ts'
import { AvroError, avroDataError, avroFaults, type PositionOrFault } from './avro-error.ts'
import {
  errorOf,
  recordTypeOf,
  resolverOf,
  textOf,
  type AvroType,
  type RecordType,
} from './avro-type.ts'
import { compileBodyCheck } from './body-check.ts'
import { asBuffer } from './buffers.ts'
import { compileInPlace, declaredField } from './in-place.ts'
import { partsOf } from './skip-source.ts'
import { WIRE_HEADER_BYTES, writeWireHeader } from './wire-format.ts'

export interface RecordDecoder<Value> {
  readonly schemaName: string
  /** `end` when [start, end) is exactly one record of the writer's schema, else a fault. */
  check(buffer: Uint8Array, start: number, end: number): PositionOrFault
  /** Throws AvroError for bad bytes; never reads outside [start, end). Bytes fields are copies. */
  decode(buffer: Uint8Array, start: number, end: number): Value
}

export interface DecoderSchemas {
  readonly writerSchema: AvroSchema
  /** Leave out to see the record as it was written. */
  readonly readerSchema?: AvroSchema
}

export const createRecordDecoder = <Value = unknown>({
  writerSchema,
  readerSchema,
}: DecoderSchemas): RecordDecoder<Value> => {
  const writer = recordTypeOf(writerSchema)
  const reader = readerSchema === undefined ? writer : recordTypeOf(readerSchema)
  const resolver = reader === writer ? undefined : resolverOf(reader, writer)
  const check = compileBodyCheck(writer)
  const schemaName = writer.name ?? 'record'
  const inPlace = compileInPlace({
    writer,
    fields: reader.fields.map(({ name }) => declaredField(reader, writer, name)),
    check: 'strict',
    upTo: 'end',
    bytes: 'copies',
  })
  if (inPlace !== undefined) {
    return {
      schemaName,
      check,
      decode(buffer, start, end) {
        const value = inPlace.createTarget()
        const position = inPlace.read(asBuffer(buffer), start, end, value)
        if (position === end) return value as Value
        const fault = position < 0 ? position : avroFaults['trailing-bytes']
        throw avroDataError(fault, schemaName)
      },
    }
  }
  return {
    schemaName,
    check,
    decode(buffer, start, end) {
      const position = check(buffer, start, end)
      if (position < 0) throw avroDataError(position, schemaName)
      try {
        const { value } = reader.decode(asBuffer(buffer), start, resolver) as { value: Value }
        return value
      } catch (cause) {
        throw avroDataError(avroFaults.undecodable, schemaName, errorOf(cause))
      }
    },
  }
}

export class RecordEncoder<Value> {
  readonly schemaId: number
  readonly schemaName: string
  readonly #type: RecordType
  readonly #byteFields: readonly string[]
  #buffer = Buffer.allocUnsafe(512)

  constructor({ schema, schemaId }: { readonly schema: AvroSchema; readonly schemaId: number }) {
    this.#type = recordTypeOf(schema)
    this.schemaId = schemaId
    this.schemaName = this.#type.name ?? 'record'
    this.#byteFields = partsOf(this.#type)
      .fields.filter(({ type }) => holdsBytes(type))
      .map((field) => (field as unknown as { readonly name: string }).name)
  }

  /**
   * Writes header and body at `pos`. Returns the position behind them, or a negative number when
   * `buffer` is too small: minus the bytes missing, at least. Throws AvroError (AVRO_VALUE_INVALID,
   * naming the field) when the value does not fit the schema.
   */
  encodeInto(value: Value, buffer: Buffer, pos: number): number {
    const bodyStart = pos + WIRE_HEADER_BYTES
    if (bodyStart > buffer.length) return buffer.length - bodyStart
    const end = this.#write(value, buffer, bodyStart)
    if (end >= 0) writeWireHeader(buffer, pos, this.schemaId)
    return end
  }

  /** A view of an internal buffer, valid until the next call; copy it to keep it. */
  encode(value: Value): Buffer {
    for (;;) {
      const end = this.encodeInto(value, this.#buffer, 0)
      if (end >= 0) return this.#buffer.subarray(0, end)
      this.#buffer = Buffer.allocUnsafe(2 * (this.#buffer.length - end))
    }
  }

  #write(value: Value, buffer: Buffer, pos: number): number {
    try {
      return this.#type.encode(this.#withBuffers(value), buffer, pos)
    } catch (cause) {
      throw invalidValue(this.#type, value, cause)
    }
  }

  /** avsc takes Buffers only; top-level fields may be plain Uint8Arrays. */
  #withBuffers(value: Value): unknown {
    const fields = value as Readonly<Record<string, unknown>>
    let replaced = fields
    for (const name of this.#byteFields) {
      const field = fields[name]
      if (!(field instanceof Uint8Array) || Buffer.isBuffer(field)) continue
      replaced = { ...replaced, [name]: asBuffer(field) }
    }
    return replaced
  }
}

export interface ValueProblem {
  /** Like `labels.host` or `evidence.0.value`; empty for the value itself. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

/** Every place at which `value` breaks the schema; fields the schema does not know count too. */
export const valueProblems = (type: RecordType, value: unknown): ValueProblem[] => {
  const problems: ValueProblem[] = []
  type.isValid(value, {
    noUndeclaredFields: true,
    errorHook(path, found, expected) {
      problems.push({ path: path.join('.'), expected: nameOf(expected), found: shortText(found) })
    },
  })
  return problems
}

const invalidValue = (type: RecordType, value: unknown, cause: unknown): AvroError => {
  const name = type.name ?? 'record'
  const problem = valueProblems(type, value)[0]
  if (problem === undefined) {
    return new AvroError('AVRO_VALUE_INVALID', `Not a valid ${name}: ${textOf(cause)}`, { cause })
  }
  const { path, expected, found } = problem
  const place = path === '' ? 'the value' : `field '${path}'`
  const message = `Not a valid ${name}: ${place} must be ${expected}, but is ${found}`
  return new AvroError('AVRO_VALUE_INVALID', message, { cause, path })
}

const holdsBytes = (type: AvroType): boolean =>
  type.typeName === 'bytes' ||
  type.typeName === 'fixed' ||
  (type.typeName === 'union:unwrapped' && partsOf(type).types.some(holdsBytes))

const nameOf = (type: AvroType): string =>
  type.typeName.startsWith('union:')
    ? partsOf(type)
        .types.map((branch) => branch.branchName ?? branch.typeName)
        .join(' or ')
    : type.typeName === 'enum'
      ? `one of ${partsOf(type).symbols.join(', ')}`
      : type.typeName

const shortText = (found: unknown): string => {
  if (found === undefined) return 'missing'
  if (typeof found === 'number' || typeof found === 'bigint') return String(found)
  const text = found instanceof Uint8Array ? 'bytes' : JSON.stringify(found)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** Values of any topic as plain objects: by the schema they were written with, else as bytes. */
import {
  avroFaultName,
  createRecordDecoder,
  recordTypeOf,
  schemaIdAt,
  WIRE_HEADER_BYTES,
  type RecordDecoder,
  type RecordType,
} from '../../pipelines/runtime/avro/index.ts'
import { UNKNOWN_SCHEMA } from '../../pipelines/runtime/kafka/index.ts'
import { decimalFieldsOf, decimalText } from '../../schemas/decimal.ts'
import type { AvroSchema } from '../../schemas/topic.ts'
import { messageOf } from '../shared/errors.ts'

/** What reading needs of a registry. */
export interface SchemaLookup {
  schemaOf(id: number): AvroSchema | undefined
  lookUp(id: number): Promise<AvroSchema>
}

export type ReadValue =
  | {
      readonly kind: 'decoded'
      readonly value: Readonly<Record<string, unknown>>
      readonly type: RecordType
    }
  | { readonly kind: 'bytes'; readonly why: string }

interface Reader {
  readonly decoder: RecordDecoder<Record<string, unknown>>
  readonly type: RecordType
  readonly decimals: readonly string[]
}

export class ValueReader {
  readonly #schemas: SchemaLookup
  readonly #readers = new Map<number, Reader>()

  constructor(schemas: SchemaLookup) {
    this.#schemas = schemas
  }

  /** Makes sure that `read` knows the schema of a value. Rejects when the registry is away. */
  async prepare(bytes: Uint8Array): Promise<void> {
    const id = schemaIdAt(bytes, 0, bytes.length)
    if (id >= 0 && !this.#readers.has(id)) await this.#schemas.lookUp(id)
  }

  read(bytes: Uint8Array): ReadValue {
    const id = schemaIdAt(bytes, 0, bytes.length)
    if (id < 0) return { kind: 'bytes', why: 'not Avro in the Confluent wire format' }
    const reader = this.#readers.get(id) ?? this.#compile(id)
    if (typeof reader === 'string') return { kind: 'bytes', why: reader }
    const { decoder, type, decimals } = reader
    const position = decoder.check(bytes, WIRE_HEADER_BYTES, bytes.length)
    if (position < 0) return { kind: 'bytes', why: avroFaultName(position) }
    try {
      const value = decoder.decode(bytes, WIRE_HEADER_BYTES, bytes.length)
      return { kind: 'decoded', value: withDecimalTexts(value, decimals), type }
    } catch (error) {
      return { kind: 'bytes', why: messageOf(error) }
    }
  }

  #compile(id: number): Reader | string {
    const schema = this.#schemas.schemaOf(id)
    if (schema === undefined || schema === UNKNOWN_SCHEMA) {
      return `the registry has no schema with id ${String(id)}`
    }
    try {
      const decoder = createRecordDecoder<Record<string, unknown>>({ writerSchema: schema })
      const reader = { decoder, type: recordTypeOf(schema), decimals: decimalFieldsOf(schema) }
      this.#readers.set(id, reader)
      return reader
    } catch (error) {
      return messageOf(error)
    }
  }
}

/** People read `12.5`, not the bytes it is kept in. */
const withDecimalTexts = (
  value: Record<string, unknown>,
  decimals: readonly string[],
): Record<string, unknown> => {
  for (const name of decimals) {
    const bytes = value[name]
    if (Buffer.isBuffer(bytes)) value[name] = decimalText(bytes)
  }
  return value
}

/** The one way from a schema's JSON to an avsc type: same options everywhere, typed errors. */
import avro from 'avsc'
import type { AvroSchema } from '../../../schemas/topic.ts'
import { AvroError } from './avro-error.ts'
import { safeTypeOf } from './safe-types.ts'

export type AvroType = avro.Type

/** What a type has by its kind: avsc fills it in, but declares it in the classes of the kinds only. */
export interface AvroTypeParts {
  /** Of a record. */
  readonly fields: readonly { readonly name: string; readonly type: AvroType }[]
  /** Of an array. */
  readonly itemsType: AvroType
  /** Of a map. */
  readonly valuesType: AvroType
  /** Branches of a union. */
  readonly types: readonly AvroType[]
}

/** Only the parts of the type's own kind are there: look at `typeName` first. */
export const partsOf = (type: AvroType): AvroTypeParts => type as unknown as AvroTypeParts

export type RecordType = avro.types.RecordType
export type RecordField = avro.types.Field

/**
 * Logical types stay what they are on the wire: timestamps are numbers, decimals bytes. Record
 * methods (`toBuffer`, `clone`, ...) are left out, so a field may have any name.
 */
export const avroTypeOf = (schema: AvroSchema): AvroType => {
  try {
    return avro.Type.forSchema(schema as avro.Schema, {
      omitRecordMethods: true,
      typeHook: safeTypeOf,
    })
  } catch (cause) {
    throw new AvroError('AVRO_SCHEMA_INVALID', `Not an Avro schema: ${textOf(cause)}`, { cause })
  }
}

const isRecord = (type: AvroType): type is RecordType => type.typeName === 'record'

export const recordTypeOf = (schema: AvroSchema): RecordType => {
  const type = avroTypeOf(schema)
  if (isRecord(type)) return type
  throw new AvroError(
    'AVRO_SCHEMA_NOT_A_RECORD',
    `A topic's values are records, but the schema is of type "${type.typeName}"; wrap it in a record`,
  )
}

/** How to read `writer` data as `reader`; undefined when they are the same on the wire and in JS. */
export const resolverOf = (reader: AvroType, writer: AvroType) => {
  try {
    // As the specification has it, names match without their namespaces.
    return reader.createResolver(writer, { ignoreNamespaces: true })
  } catch (cause) {
    throw new AvroError(
      'AVRO_SCHEMA_INCOMPATIBLE',
      `Data of schema ${writer.name ?? writer.typeName} cannot be read as ${reader.name ?? reader.typeName}: ${textOf(cause)}`,
      { cause },
    )
  }
}

export const errorOf = (cause: unknown): Error =>
  cause instanceof Error ? cause : new Error(String(cause))

export const textOf = (cause: unknown): string => errorOf(cause).message

/** The one way from a schema's JSON to an avsc type: same options everywhere, typed errors. */
import avro from 'avsc'
import type { AvroSchema } from '../../../schemas/topic.ts'
import { AvroError } from './avro-error.ts'
import { exactLong } from './exact-long.ts'

export type AvroType = avro.Type

/** avsc fills these in per kind of type but declares them in classes only. */
export type RecordType = avro.types.RecordType
export type RecordField = avro.types.Field

const isLong = (schema: unknown): boolean =>
  schema === 'long' ||
  (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long')

/**
 * Logical types stay what they are on the wire: timestamps are numbers, decimals bytes. Record
 * methods (`toBuffer`, `clone`, ...) are left out, so a field may have any name.
 */
export const avroTypeOf = (schema: AvroSchema): AvroType => {
  try {
    return avro.Type.forSchema(schema as avro.Schema, {
      omitRecordMethods: true,
      typeHook: (part) => (isLong(part) ? exactLong : undefined),
    })
  } catch (cause) {
    throw new AvroError('invalid-schema', `Not an Avro schema: ${textOf(cause)}`, { cause })
  }
}

export const recordTypeOf = (schema: AvroSchema): RecordType => {
  const type = avroTypeOf(schema)
  if (type.typeName === 'record') return type as RecordType
  throw new AvroError(
    'not-a-record',
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
      'incompatible-schema',
      `Data of schema ${writer.name ?? writer.typeName} cannot be read as ${reader.name ?? reader.typeName}: ${textOf(cause)}`,
      { cause },
    )
  }
}

export const textOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause)

/**
 * Compiles a function that reads fields of an Avro record straight from its bytes into an object,
 * where all of them have types that can be read so: scalars, nullable ones, and maps of these.
 * skip-source.ts says why generated code, and why a foreign schema cannot inject any.
 */
import { AvroError, avroFaults, type PositionOrFault } from './avro-error.ts'
import type { AvroType, RecordField, RecordType } from './avro-type.ts'
import { intoTarget, readSource, ReadScope } from './read-source.ts'
import { SkipSource, type SkipOptions } from './skip-source.ts'

export interface DeclaredField {
  readonly name: string
  readonly type: AvroType
  /** Position in the writer's record; undefined when the writer does not have the field. */
  readonly writerIndex: number | undefined
  readonly defaultValue: unknown
}

export const declaredField = (
  reader: RecordType,
  writer: RecordType,
  name: string,
): DeclaredField => {
  const field: RecordField | undefined = reader.fields.find((candidate) => candidate.name === name)
  if (field === undefined) {
    const known = reader.fields.map((candidate) => candidate.name).join(', ')
    throw new AvroError(
      'AVRO_SCHEMA_INCOMPATIBLE',
      `${reader.name ?? 'The record'} has no field '${name}'; it has ${known}`,
    )
  }
  const names = [name, ...field.aliases]
  const index = writer.fields.findIndex((candidate) => names.includes(candidate.name))
  return {
    name,
    type: field.type,
    writerIndex: index < 0 ? undefined : index,
    defaultValue: field.defaultValue(),
  }
}

export interface InPlaceReader {
  /** All of one reader have the same shape. */
  createTarget(): Record<string, unknown>
  read(buffer: Buffer, start: number, end: number, target: Record<string, unknown>): PositionOrFault
}

export interface InPlaceOptions extends SkipOptions {
  readonly writer: RecordType
  readonly fields: readonly DeclaredField[]
  /** Whether to read on to the end of the record behind the last of the fields. */
  readonly upTo: 'last-field' | 'end'
  readonly bytes: 'views' | 'copies'
}

/** Undefined when a field has a type that only a full decode can read. */
export const compileInPlace = ({
  writer,
  fields: declared,
  check,
  upTo,
  bytes,
}: InPlaceOptions): InPlaceReader | undefined => {
  const skips = new SkipSource({ check })
  const scope = new ReadScope()
  const statements: string[] = []
  for (const { name, writerIndex, defaultValue } of declared) {
    if (writerIndex !== undefined) continue
    // An object would be shared by all records.
    if (bytes === 'copies' && typeof defaultValue === 'object' && defaultValue !== null) return
    statements.push(`target[${JSON.stringify(name)}] = ${scope.constant(defaultValue)}`)
  }
  const lastDeclared = Math.max(-1, ...declared.map(({ writerIndex }) => writerIndex ?? -1))
  const wanted = upTo === 'end' ? writer.fields : writer.fields.slice(0, lastDeclared + 1)
  for (const [index, { type }] of wanted.entries()) {
    const readers = declared.filter(({ writerIndex }) => writerIndex === index)
    const [first] = readers
    if (first === undefined) {
      statements.push(skips.skip(type))
      continue
    }
    const store = intoTarget(first.name)
    const read = readSource({ writer: type, reader: first.type, scope, store, bytes })
    // Two reader fields of one writer field (by alias) are too rare to read in place.
    if (read === undefined || readers.length > 1) return undefined
    statements.push(read)
  }
  const names = [...Object.keys(SkipSource.scope), ...scope.names]
  const values = [...Object.values(SkipSource.scope), ...scope.values]
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see skip-source.ts for the why
  const compile = new Function(
    ...names,
    `'use strict'
    ${scope.declarations}
    ${skips.helpers}
    class Target {
      ${declared.map((field) => `[${JSON.stringify(field.name)}] = ${initialOf(field.type)};`).join('\n')}
    }
    return {
      createTarget: () => new Target(),
      read(b, pos, end, target) {
        if (end > b.length) return ${avroFaults.truncated}
        const depth = 0
        ${skips.helpers === '' ? '' : 'emptyItems[0] = 0'}
        ${scope.prologue}
        ${statements.join('\n')}
        return pos
      },
    }`,
  ) as (...values: unknown[]) => InPlaceReader
  return compile(...values)
}

/**
 * Starting values of the type that will be stored: the engine then gives the property a fixed
 * representation and stores doubles in place instead of allocating each.
 */
const initialOf = (type: AvroType): string => {
  switch (type.typeName) {
    case 'int':
      return '0'
    case 'long':
    case 'float':
    case 'double':
      return 'NaN'
    case 'boolean':
      return 'false'
    case 'string':
    case 'enum':
      return "''"
    default:
      return 'null'
  }
}

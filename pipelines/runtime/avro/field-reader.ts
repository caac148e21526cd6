/**
 * Reads a few top-level fields of an Avro record straight from the fetched bytes.
 *
 * This is the hottest loop of the product: a windowed aggregate needs `timestamp` and `value` of
 * records that also carry a name and a map of labels. The generated function reads the declared
 * fields into an object that the caller reuses, steps over what lies between and stops behind the
 * last declared field: no allocation, no call per field. skip-source.ts says why generated code,
 * and why a foreign schema cannot inject any.
 *
 * Strings that repeat (tenant, name, unit) come from a small cache per field, so reading one costs
 * a byte comparison instead of a new string.
 *
 * Field types it cannot read in place (arrays, maps, records, unions of several types) switch the
 * whole reader to a full decode: same results, more time. `mode` tells which it is.
 */
import type { AvroSchema } from '../../../schemas/topic.ts'
import { avroFaults, AvroError, type PositionOrFault } from './avro-error.ts'
import {
  recordTypeOf,
  resolverOf,
  type AvroType,
  type RecordField,
  type RecordType,
} from './avro-type.ts'
import { compileBodyCheck } from './body-check.ts'
import { asBuffer } from './buffers.ts'
import { readSource, ReadScope } from './read-source.ts'
import { SkipSource } from './skip-source.ts'

export type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

export interface FieldReader<Target> {
  readonly mode: 'in-place' | 'full-decode'
  /** An object for `read` to fill; all of one reader have the same shape. */
  createTarget(): Target
  /**
   * Fills `target` from the body in [start, end) and returns the position where it stopped, or a
   * fault (< 0; `avroFaultName` names it), after which `target` holds a mix of old and new.
   * Bytes fields are views of `buffer`. What lies behind the last declared field is not looked at.
   */
  read(buffer: Buffer, start: number, end: number, target: Target): PositionOrFault
}

export interface FieldReaderOptions<Name extends string> {
  readonly writerSchema: AvroSchema
  /** Says the fields' types and, for fields the writer does not know, their defaults. */
  readonly readerSchema: AvroSchema
  readonly fields: readonly Name[]
}

export const compileFieldReader = <
  Value extends object,
  Name extends Extract<keyof Value, string> = Extract<keyof Value, string>,
>({
  writerSchema,
  readerSchema,
  fields,
}: FieldReaderOptions<Name>): FieldReader<Mutable<Pick<Value, Name>>> => {
  const writer = recordTypeOf(writerSchema)
  const reader = recordTypeOf(readerSchema)
  const resolver = resolverOf(reader, writer) // Also the proof that the schemas fit at all.
  const declared = fields.map((name) => declaredField(reader, writer, name))
  const inPlace = compileInPlace(writer, declared)
  if (inPlace !== undefined) return inPlace as FieldReader<Mutable<Pick<Value, Name>>>
  return fullDecodeReader(writer, reader, resolver, declared) as FieldReader<
    Mutable<Pick<Value, Name>>
  >
}

interface DeclaredField {
  readonly name: string
  readonly type: AvroType
  /** Position in the writer's record; undefined when the writer does not have the field. */
  readonly writerIndex: number | undefined
  readonly defaultValue: unknown
}

const declaredField = (reader: RecordType, writer: RecordType, name: string): DeclaredField => {
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

type UntypedReader = FieldReader<Record<string, unknown>>

const compileInPlace = (
  writer: RecordType,
  declared: readonly DeclaredField[],
): UntypedReader | undefined => {
  const skips = new SkipSource({ check: 'bounds' })
  const scope = new ReadScope()
  const statements: string[] = []
  for (const { name, writerIndex, defaultValue } of declared) {
    if (writerIndex !== undefined) continue
    statements.push(`target[${JSON.stringify(name)}] = ${scope.constant(defaultValue)}`)
  }
  const last = Math.max(-1, ...declared.map(({ writerIndex }) => writerIndex ?? -1))
  for (const [index, { type }] of writer.fields.slice(0, last + 1).entries()) {
    const readers = declared.filter(({ writerIndex }) => writerIndex === index)
    const [first] = readers
    if (first === undefined) {
      statements.push(skips.skip(type))
      continue
    }
    const read = readSource({ writer: type, reader: first.type, scope, target: first.name })
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
      mode: 'in-place',
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
  ) as (...values: unknown[]) => UntypedReader
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

const fullDecodeReader = (
  writer: RecordType,
  reader: RecordType,
  resolver: ReturnType<typeof resolverOf>,
  declared: readonly DeclaredField[],
): UntypedReader => {
  const check = compileBodyCheck(writer)
  return {
    mode: 'full-decode',
    createTarget: () => Object.fromEntries(declared.map(({ name }) => [name, null])),
    read(buffer, start, end, target) {
      const position = check(buffer, start, end)
      if (position < 0) return position
      let value: Record<string, unknown>
      try {
        value = (reader.decode(asBuffer(buffer), start, resolver) as { value: typeof value }).value
      } catch {
        return avroFaults.undecodable
      }
      for (const { name } of declared) target[name] = value[name]
      return position
    },
  }
}

/**
 * Reads a few top-level fields of an Avro record straight from the fetched bytes.
 *
 * This is the hottest loop of the product: a windowed aggregate needs `timestamp` and `value` of
 * records that also carry a name and a map of labels. The generated function reads the declared
 * fields into an object that the caller reuses, steps over what lies between and stops behind the
 * last declared field: no allocation, no call per field.
 *
 * Strings that repeat (tenant, name, unit) come from a small cache per field, so reading one costs
 * a byte comparison instead of a new string.
 *
 * Field types it cannot read in place (arrays, records, unions of several types) switch the
 * whole reader to a full decode: same results, more time. `mode` tells which it is.
 */
import type { AvroSchema } from '../../../schemas/topic.ts'
import { avroFaults, type PositionOrFault } from './avro-error.ts'
import { recordTypeOf, resolverOf, type RecordType } from './avro-type.ts'
import { compileBodyCheck } from './body-check.ts'
import { asBuffer } from './buffers.ts'
import { compileInPlace, declaredField, type DeclaredField } from './in-place.ts'

export type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

export interface FieldReader<Target> {
  readonly mode: 'in-place' | 'full-decode'
  /** An object for `read` to fill; all of one reader have the same shape. */
  createTarget(): Target
  /**
   * Fills `target` from the body in [start, end) and returns the position where it stopped, or a
   * fault (< 0; `avroFaultName` names it), after which `target` holds a mix of old and new.
   * Bytes fields are views of `buffer`. Read in place, it stops behind the last declared field and
   * does not look further; after a full decode it stands at the end of the record.
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
  const inPlace = compileInPlace({
    writer,
    fields: declared,
    check: 'bounds',
    upTo: 'last-field',
    bytes: 'views',
  })
  if (inPlace !== undefined) {
    return { mode: 'in-place', ...inPlace } as FieldReader<Mutable<Pick<Value, Name>>>
  }
  return fullDecodeReader(writer, reader, resolver, declared) as FieldReader<
    Mutable<Pick<Value, Name>>
  >
}

type UntypedReader = FieldReader<Record<string, unknown>>

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

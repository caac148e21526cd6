/** Random schemas with fitting values, for the property tests of this folder. */
import fc from 'fast-check'
import type { AvroSchema } from '../../../../schemas/topic.ts'
import { avroTypeOf, type AvroType } from '../avro-type.ts'
import { partsOf } from '../skip-source.ts'

/** A shape without names; names are dealt out afterwards, since Avro wants them unique. */
type Shape =
  | { readonly kind: 'primitive'; readonly type: string }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: number }
  | { readonly kind: 'array' | 'map' | 'nullable'; readonly of: Shape }
  | { readonly kind: 'union' | 'record'; readonly of: readonly Shape[] }
  | { readonly kind: 'list' }

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes']

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('primitive' as const), type: fc.constantFrom(...primitives) }),
    fc.record({ kind: fc.constant('fixed' as const), size: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constant('enum' as const), symbols: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ kind: fc.constant('list' as const) }),
    fc.record({ kind: fc.constantFrom('array', 'map', 'nullable'), of: tie('shape') }),
    fc.record({
      kind: fc.constantFrom('union', 'record'),
      of: fc.array(tie('shape'), { minLength: 1, maxLength: 4 }),
    }),
  ),
}))

const named = () => {
  let count = 0
  const name = (prefix: string) => `${prefix}${count++}`
  const schemaOf = (shape: Shape): AvroSchema => {
    switch (shape.kind) {
      case 'primitive':
        return shape.type
      case 'fixed':
        return { type: 'fixed', name: name('F'), size: shape.size }
      case 'enum': {
        const symbols = Array.from({ length: shape.symbols }, (_, index) => `S${index}`)
        return { type: 'enum', name: name('E'), symbols }
      }
      case 'array':
        return { type: 'array', items: schemaOf(shape.of) }
      case 'map':
        return { type: 'map', values: schemaOf(shape.of) }
      case 'nullable':
        return union([shape.of, { kind: 'primitive', type: 'null' }])
      case 'union':
        return union(shape.of)
      case 'record':
        return record(shape.of)
      case 'list': {
        const list = name('L')
        const fields = [
          { name: 'head', type: 'long' },
          { name: 'tail', type: ['null', list] },
        ]
        return { type: 'record', name: list, fields }
      }
    }
  }
  const union = (shapes: readonly Shape[]): AvroSchema => {
    const branches = new Map<string, AvroSchema>()
    for (const part of shapes) {
      const schema = schemaOf(part)
      if (Array.isArray(schema)) continue // Unions do not nest.
      branches.set(branchKey(schema), schema)
    }
    return branches.size === 0 ? ['null'] : [...branches.values()]
  }
  const record = (shapes: readonly Shape[]): AvroSchema => ({
    type: 'record',
    name: name('R'),
    fields: shapes.map((part, index) => ({ name: `f${index}`, type: schemaOf(part) })),
  })
  return { record }
}

/** A union may hold one array, one map, one of each primitive, and any number of named types. */
const branchKey = (schema: Exclude<AvroSchema, unknown[]>): string =>
  typeof schema === 'string' ? schema : String(schema['name'] ?? schema['type'])

const doubles = fc.double({ noNaN: false })
const longs = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(2 ** 53 - 1, 1 - 2 ** 53))

export const valueOf = (type: AvroType, depth = 0): fc.Arbitrary<unknown> => {
  const parts = partsOf(type)
  switch (type.typeName) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.integer()
    case 'long':
      return longs
    case 'float':
      return fc.float()
    case 'double':
      return doubles
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 70 })
    case 'bytes':
      return bytes({ maxLength: 80 })
    case 'fixed':
      return bytes({ minLength: parts.size, maxLength: parts.size })
    case 'enum':
      return fc.constantFrom(...parts.symbols)
    case 'array':
      return fc.array(valueOf(parts.itemsType, depth + 1), { maxLength: 4 })
    case 'map':
      return fc.dictionary(fc.string(), valueOf(parts.valuesType, depth + 1), { maxKeys: 4 })
    case 'union:wrapped':
      return fc.oneof(
        ...parts.types.map((branch) =>
          valueOf(branch, depth + 1).map((value) =>
            value === null ? null : { [branch.branchName ?? '']: value },
          ),
        ),
      )
    case 'union:unwrapped': {
      // Lists end somewhere.
      const branches = depth > 8 ? parts.types.slice(0, 1) : parts.types
      return fc.oneof(...branches.map((branch) => valueOf(branch, depth + 1)))
    }
    default:
      return fc.record(
        Object.fromEntries(
          (parts.fields as readonly { readonly name: string; readonly type: AvroType }[]).map(
            ({ name, type: fieldType }) => [name, valueOf(fieldType, depth + 1)],
          ),
        ),
      )
  }
}

const bytes = (length: { readonly minLength?: number; readonly maxLength: number }) =>
  fc.uint8Array(length).map((array) => Buffer.from(array))

export interface RandomRecord {
  readonly schema: AvroSchema
  readonly value: Record<string, unknown>
  readonly body: Buffer
}

export const randomRecord: fc.Arbitrary<RandomRecord> = fc
  .array(shape, { minLength: 1, maxLength: 6 })
  .chain((shapes) => {
    const schema = named().record(shapes)
    const type = avroTypeOf(schema)
    return valueOf(type).map((value) => ({
      schema,
      value: value as Record<string, unknown>,
      body: type.toBuffer(value),
    }))
  })

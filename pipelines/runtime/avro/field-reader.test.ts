import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AvroSchema } from '../../../schemas/topic.ts'
import { avroFaultName, avroFaults, AvroError } from './avro-error.ts'
import { avroTypeOf } from './avro-type.ts'
import { compileFieldReader } from './field-reader.ts'
import { randomRecord } from './testing/random-records.ts'
import { createRecordDecoder } from './record-codec.ts'

const record = (...fields: readonly object[]): AvroSchema => ({ type: 'record', name: 'R', fields })

const fieldNamesOf = (schema: AvroSchema) =>
  (schema as { fields: readonly { readonly name: string }[] }).fields.map(({ name }) => name)

/** Bytes around the record that would be noticed if they were read. */
const within = (body: Buffer, filler: number) => ({
  buffer: Buffer.concat([Buffer.alloc(9, filler), body, Buffer.alloc(40, filler)]),
  start: 9,
  end: 9 + body.length,
})

describe('reading single fields', () => {
  it('agrees with a full decode for any schema, value and choice of fields', () => {
    fc.assert(
      fc.property(randomRecord, fc.infiniteStream(fc.boolean()), ({ schema, body }, picks) => {
        const fields = fieldNamesOf(schema).filter(() => picks.next().value)
        const schemas = { writerSchema: schema, readerSchema: schema }
        const reader = compileFieldReader<Record<string, unknown>, string>({ ...schemas, fields })
        const decoder = createRecordDecoder<Record<string, unknown>>(schemas)
        const { buffer, start, end } = within(body, 0xff)
        const target = reader.createTarget()
        const stopped = reader.read(buffer, start, end, target)
        const whole = decoder.decode(buffer, start, end)
        expect(stopped).toBeGreaterThanOrEqual(start)
        expect(stopped).toBeLessThanOrEqual(end)
        for (const name of fields) expect(target[name]).toEqual(whole[name])
      }),
      { numRuns: 200 },
    )
  })

  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
    maxLength: 8,
  })

  it('answers damaged bytes with a fault or some value, never looking outside the record', () => {
    fc.assert(
      fc.property(randomRecord, damage, fc.nat(), ({ schema, body }, changes, cut) => {
        const damaged = Buffer.from(body.subarray(0, body.length - (cut % (body.length + 1)) / 2))
        for (const { at, byte } of changes) damaged[at % Math.max(1, damaged.length)] = byte
        const schemas = { writerSchema: schema, readerSchema: schema }
        const fields = fieldNamesOf(schema)
        const reader = compileFieldReader<Record<string, unknown>, string>({ ...schemas, fields })
        const decoder = createRecordDecoder(schemas)
        const outcomes = [0x00, 0xff, 0x80].map((filler) => {
          const { buffer, start, end } = within(damaged, filler)
          const target = reader.createTarget()
          const stopped = reader.read(buffer, start, end, target)
          expect(stopped).toBeLessThanOrEqual(end)
          let whole: unknown
          try {
            whole = decoder.decode(buffer, start, end)
          } catch (error) {
            expect(error).toBeInstanceOf(AvroError)
            whole = (error as AvroError).fault
          }
          return { stopped, target: stopped < 0 ? undefined : { ...target }, whole }
        })
        expect(outcomes[1]).toStrictEqual(outcomes[0])
        expect(outcomes[2]).toStrictEqual(outcomes[0])
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    { title: 'an empty body', type: 'long', bytes: [], fault: 'truncated' },
    { title: 'a cut long', type: 'long', bytes: [0x80], fault: 'truncated' },
    { title: 'a cut double', type: 'double', bytes: [1, 2, 3], fault: 'truncated' },
    {
      title: 'a long of 11 bytes',
      type: 'long',
      bytes: [...Array<number>(10).fill(0x80), 0],
      fault: 'overlong-varint',
    },
    {
      title: 'the greatest 64 bit long',
      type: 'long',
      bytes: [0xfe, ...Array<number>(8).fill(0xff), 1],
      fault: 'unsafe-long',
    },
    {
      title: 'an int of 33 bits',
      type: 'int',
      bytes: [0x80, 0x80, 0x80, 0x80, 0x10],
      fault: 'int-out-of-range',
    },
    { title: 'a boolean of 2', type: 'boolean', bytes: [2], fault: 'not-a-boolean' },
    { title: 'a string of length -1', type: 'string', bytes: [1], fault: 'negative-length' },
    {
      title: 'a string longer than the record',
      type: 'string',
      bytes: [20, 65],
      fault: 'truncated',
    },
    { title: 'a third branch of two', type: ['null', 'int'], bytes: [4], fault: 'unknown-branch' },
    {
      title: 'a symbol behind the last',
      type: { type: 'enum', name: 'E', symbols: ['A', 'B'] },
      bytes: [4],
      fault: 'unknown-symbol',
    },
  ])('refuses $title', ({ type, bytes, fault }) => {
    const schema = record({ name: 'a', type })
    const reader = compileFieldReader<{ a: unknown }>({
      writerSchema: schema,
      readerSchema: schema,
      fields: ['a'],
    })
    expect(reader.mode).toBe('in-place')
    const body = Buffer.from(bytes)
    const position = reader.read(body, 0, body.length, reader.createTarget())
    expect(avroFaultName(position)).toBe(fault)
    const decoder = createRecordDecoder({ writerSchema: schema })
    expect(() => decoder.decode(body, 0, body.length)).toThrow(
      expect.objectContaining({ code: 'AVRO_MALFORMED', fault }),
    )
  })

  it.each([
    0,
    1,
    -1,
    63,
    -64,
    64,
    2 ** 27,
    -(2 ** 27),
    2 ** 28,
    2 ** 31,
    -(2 ** 31),
    2 ** 52,
    -(2 ** 52) - 1,
    2 ** 53 - 1,
    1 - 2 ** 53,
  ])('reads the long %d exactly, with and without room behind it', (value) => {
    const schema = record({ name: 'a', type: 'long' }, { name: 'b', type: 'double' })
    const type = avroTypeOf(schema)
    const body = type.toBuffer({ a: value, b: 1 })
    const reader = compileFieldReader<{ a: number }>({
      writerSchema: schema,
      readerSchema: schema,
      fields: ['a'],
    })
    const target = reader.createTarget()
    const end = body.length - 8
    expect(reader.read(body, 0, body.length, target)).toBe(end)
    expect(target.a).toBe(value)
    target.a = 0
    expect(reader.read(Buffer.from(body.subarray(0, end)), 0, end, target)).toBe(end)
    expect(target.a).toBe(value)
    expect((type.fromBuffer(body) as { a: number }).a).toBe(value)
  })
})

describe('huge claims end at once', () => {
  const hugeCount = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f] // 2^51 - 1
  const minusHugeCount = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
  it.each([
    { title: 'array of longs', items: 'long', bytes: hugeCount },
    { title: 'array of nulls', items: 'null', bytes: hugeCount },
    { title: 'array of empty records', items: record(), bytes: hugeCount },
    { title: 'sized array of nulls', items: 'null', bytes: [...minusHugeCount, 0, 0] },
    {
      title: 'blocks of nulls again and again',
      items: 'null',
      bytes: Array(200_000).fill([0xfe, 0x7f]).flat(),
    },
    { title: 'block of negative size', items: 'long', bytes: [1, 1, 0] },
    { title: 'block longer than the record', items: 'long', bytes: [1, 80, 0] },
    { title: 'block of another size than it says', items: 'long', bytes: [1, 4, 2, 0] },
  ])('$title', ({ items, bytes }) => {
    const inner = typeof items === 'string' ? items : { ...(items as object), name: 'Empty' }
    const schema = record(
      { name: 'a', type: { type: 'array', items: inner } },
      { name: 'b', type: 'int' },
    )
    const body = Buffer.from(bytes as number[])
    const decoder = createRecordDecoder({ writerSchema: schema })
    expect(() => decoder.decode(body, 0, body.length)).toThrow(AvroError)
    const schemas = { writerSchema: schema, readerSchema: schema }
    const skipping = compileFieldReader<{ b: number }>({ ...schemas, fields: ['b'] })
    expect(skipping.read(body, 0, body.length, skipping.createTarget())).toBeLessThan(0)
  })

  it('a list nested a million deep', () => {
    const schema = {
      type: 'record',
      name: 'L',
      fields: [
        { name: 'tail', type: ['null', 'L'] },
        { name: 'b', type: 'int' },
      ],
    }
    const body = Buffer.alloc(1_000_000, 2)
    const decoder = createRecordDecoder({ writerSchema: schema })
    expect(() => decoder.decode(body, 0, body.length)).toThrow(
      expect.objectContaining({ fault: 'too-deep' }),
    )
    const skipping = compileFieldReader<{ b: number }>({
      writerSchema: schema,
      readerSchema: schema,
      fields: ['b'],
    })
    expect(skipping.read(body, 0, body.length, skipping.createTarget())).toBe(
      avroFaults['too-deep'],
    )
  })
})

describe('writer and reader of different age', () => {
  const writerSchema = record(
    { name: 'old', type: 'string' },
    { name: 'count', type: 'int' },
    { name: 'level', type: { type: 'enum', name: 'Level', symbols: ['LOW', 'HIGH', 'ODD'] } },
    { name: 'unit', type: 'string' },
    { name: 'was', type: 'long' },
  )
  const readerSchema = record(
    { name: 'unit', type: ['null', 'string'] },
    { name: 'added', type: 'double', default: 1.5 },
    { name: 'now', aliases: ['was'], type: 'double' },
    { name: 'count', type: 'long' },
    {
      name: 'level',
      type: { type: 'enum', name: 'Level', symbols: ['HIGH', 'LOW', 'OTHER'], default: 'OTHER' },
    },
    { name: 'note', type: ['null', 'string'], default: null },
  )
  const body = avroTypeOf(writerSchema).toBuffer({
    old: 'x',
    count: 7,
    level: 'ODD',
    unit: 'ms',
    was: -5,
  })
  const expected = { unit: 'ms', added: 1.5, now: -5, count: 7, level: 'OTHER', note: null }

  it('reads renamed, widened, added, reordered and unknown', () => {
    const reader = compileFieldReader<typeof expected>({
      writerSchema,
      readerSchema,
      fields: ['unit', 'added', 'now', 'count', 'level', 'note'],
    })
    const target = reader.createTarget()
    expect(reader.mode).toBe('in-place')
    expect(reader.read(body, 0, body.length, target)).toBe(body.length)
    expect({ ...target }).toStrictEqual(expected)
    const decoder = createRecordDecoder<typeof expected>({ writerSchema, readerSchema })
    expect({ ...decoder.decode(body, 0, body.length) }).toStrictEqual(expected)
  })

  it('refuses at once what can never be read', () => {
    const compile = () =>
      compileFieldReader<{ old: number }>({
        writerSchema,
        readerSchema: record({ name: 'old', type: 'int' }),
        fields: ['old'],
      })
    expect(compile).toThrow(expect.objectContaining({ code: 'AVRO_SCHEMA_INCOMPATIBLE' }))
  })

  it('reads a record of another namespace', () => {
    const foreign = { ...(writerSchema as object), namespace: 'com.acme' }
    const reader = compileFieldReader<{ count: number }>({
      writerSchema: foreign,
      readerSchema: record({ name: 'count', type: 'long' }),
      fields: ['count'],
    })
    const target = reader.createTarget()
    reader.read(body, 0, body.length, target)
    expect(target.count).toBe(7)
  })

  it('decodes the whole record where a declared field has parts', () => {
    const schema = record(
      { name: 'a', type: 'int' },
      { name: 'tags', type: { type: 'array', items: 'string' } },
    )
    const bytes = avroTypeOf(schema).toBuffer({ a: 1, tags: ['x', 'y'] })
    const reader = compileFieldReader<{ a: number; tags: readonly string[] }>({
      writerSchema: schema,
      readerSchema: schema,
      fields: ['tags', 'a'],
    })
    const target = reader.createTarget()
    expect(reader.mode).toBe('full-decode')
    expect(reader.read(bytes, 0, bytes.length, target)).toBe(bytes.length)
    expect(target).toEqual({ a: 1, tags: ['x', 'y'] })
    expect(reader.read(bytes, 0, bytes.length - 1, target)).toBe(avroFaults.truncated)
  })
})

it('puts no text of a schema into the code it runs', () => {
  const schema = record({
    name: 'a',
    type: { type: 'enum', name: 'E', symbols: ['A', 'exit', '_'] },
    doc: "`${process.exit(1)}'",
  })
  const type = avroTypeOf(schema)
  const reader = compileFieldReader<{ a: string }>({
    writerSchema: schema,
    readerSchema: schema,
    fields: ['a'],
  })
  const target = reader.createTarget()
  const body = type.toBuffer({ a: 'exit' })
  reader.read(body, 0, body.length, target)
  expect(target.a).toBe('exit')
  expect(() => avroTypeOf(record({ name: 'a"; process.exit(1); "', type: 'int' }))).toThrow(
    AvroError,
  )
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AvroSchema } from '../../../schemas/topic.ts'
import { AvroError, avroFaultName } from './avro-error.ts'
import { avroTypeOf } from './avro-type.ts'
import { jsonFormOf } from './json-form.ts'
import { randomRecord } from './testing/random-records.ts'
import { createRecordDecoder, RecordEncoder } from './record-codec.ts'
import { schemaIdAt, wireFaultName, WIRE_HEADER_BYTES } from './wire-format.ts'

const schema: AvroSchema = {
  type: 'record',
  name: 'Point',
  namespace: 'test',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'phase', type: { type: 'enum', name: 'Phase', symbols: ['OPEN', 'CLOSED'] } },
    { name: 'labels', type: { type: 'map', values: 'string' } },
    { name: 'sketch', type: 'bytes' },
    { name: 'proof', type: ['null', 'bytes'], default: null },
  ],
}
const point = {
  at: 1_760_000_000_123,
  phase: 'OPEN',
  labels: { host: 'a' },
  sketch: new Uint8Array([1, 2]),
  proof: null as Uint8Array | null,
}

describe('a record through the wire', () => {
  it('comes back as it was, whatever the schema', () => {
    fc.assert(
      fc.property(randomRecord, ({ schema: any, value, body }) => {
        const encoder = new RecordEncoder({ schema: any, schemaId: 258 })
        const bytes = encoder.encode(value)
        expect(bytes.subarray(0, WIRE_HEADER_BYTES)).toEqual(Buffer.from([0, 0, 0, 1, 2]))
        expect(bytes.subarray(WIRE_HEADER_BYTES).equals(body)).toBe(true)
        const decoder = createRecordDecoder({ writerSchema: any })
        expect(decoder.decode(bytes, WIRE_HEADER_BYTES, bytes.length)).toEqual(value)
      }),
      { numRuns: 150 },
    )
  })

  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
    maxLength: 3,
  })

  it('is refused for the fault that the check finds, or read as avsc reads it', () => {
    fc.assert(
      fc.property(randomRecord, damage, ({ schema: any, body }, changes) => {
        const bytes = Buffer.from(body)
        for (const { at, byte } of changes) bytes[at % Math.max(1, bytes.length)] = byte
        const decoder = createRecordDecoder({ writerSchema: any })
        const checked = decoder.check(bytes, 0, bytes.length)
        const decode = () => decoder.decode(bytes, 0, bytes.length)
        if (checked < 0) {
          expect(decode).toThrow(expect.objectContaining({ fault: avroFaultName(checked) }))
        } else {
          expect(decode()).toEqual((avroTypeOf(any).decode(bytes) as { value: unknown }).value)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('keeps plain Uint8Arrays, also where null is allowed', () => {
    const encoder = new RecordEncoder<typeof point>({ schema, schemaId: 1 })
    const bytes = encoder.encode({ ...point, proof: new Uint8Array([9]) })
    const decoder = createRecordDecoder<typeof point>({ writerSchema: schema })
    const back = decoder.decode(bytes, WIRE_HEADER_BYTES, bytes.length)
    expect([...back.sketch, ...(back.proof ?? [])]).toEqual([1, 2, 9])
  })

  it('says by how much a buffer is too small and leaves the choice to the caller', () => {
    const encoder = new RecordEncoder<typeof point>({ schema, schemaId: 1 })
    const whole = encoder.encode(point).length
    for (let size = 0; size < whole; size++) {
      expect(encoder.encodeInto(point, Buffer.alloc(size), 0)).toBe(
        size < WIRE_HEADER_BYTES ? size - WIRE_HEADER_BYTES : size - whole,
      )
    }
    expect(encoder.encodeInto(point, Buffer.alloc(whole + 3), 3)).toBe(whole + 3)
  })

  it('grows for a record of megabytes', () => {
    const encoder = new RecordEncoder<typeof point>({ schema, schemaId: 1 })
    const bytes = encoder.encode({ ...point, sketch: new Uint8Array(5_000_000) })
    expect(bytes.length).toBeGreaterThan(5_000_000)
  })
})

describe('a value that breaks the schema', () => {
  it.each([
    { title: 'a missing field', change: { at: undefined }, path: 'at', found: 'missing' },
    { title: 'text for a number', change: { at: '5' }, path: 'at', found: '"5"' },
    { title: 'half a millisecond', change: { at: 0.5 }, path: 'at', found: '0.5' },
    { title: 'a long beyond 2^53', change: { at: 2 ** 53 }, path: 'at', found: '9007199254740992' },
    {
      title: 'a foreign symbol',
      change: { phase: 'AJAR' },
      path: 'phase',
      found: 'one of OPEN, CLOSED',
    },
    {
      title: 'a name every object has',
      change: { phase: 'toString' },
      path: 'phase',
      found: 'toString',
    },
    {
      title: 'a number as label',
      change: { labels: { host: 5 } },
      path: 'labels.host',
      found: '5',
    },
    { title: 'text for bytes', change: { proof: 'x' }, path: 'proof', found: 'null or bytes' },
  ])('names the field of $title', ({ change, path, found }) => {
    const encoder = new RecordEncoder({ schema, schemaId: 1 })
    const encode = () => encoder.encode({ ...point, sketch: Buffer.alloc(1), ...change })
    expect(encode).toThrow(AvroError)
    expect(encode).toThrow(expect.objectContaining({ code: 'AVRO_VALUE_INVALID', path }))
    expect(encode).toThrow(found)
  })
})

describe('what avsc alone would lose', () => {
  it('keeps a label named __proto__', () => {
    const labels = JSON.parse('{"__proto__":"a","b":"c"}') as Record<string, string>
    const encoder = new RecordEncoder({ schema, schemaId: 1 })
    const bytes = encoder.encode({ ...point, sketch: Buffer.alloc(0), labels })
    const decoder = createRecordDecoder<typeof point>({ writerSchema: schema })
    const back = decoder.decode(bytes, WIRE_HEADER_BYTES, bytes.length)
    expect(Object.entries(back.labels)).toEqual(Object.entries(labels))
    expect(JSON.stringify(jsonFormOf(back.labels))).toBe('{"__proto__":"a","b":"c"}')
  })

  it('refuses bytes behind the record', () => {
    const bytes = Buffer.concat([avroTypeOf('long').toBuffer(1), Buffer.alloc(1)])
    const decoder = createRecordDecoder({
      writerSchema: { type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] },
    })
    expect(() => decoder.decode(bytes, 0, 2)).toThrow(
      expect.objectContaining({ fault: 'trailing-bytes' }),
    )
  })

  it('refuses a schema that is no record', () => {
    expect(() => createRecordDecoder({ writerSchema: 'string' })).toThrow(
      expect.objectContaining({ code: 'AVRO_SCHEMA_NOT_A_RECORD' }),
    )
  })
})

describe('the wire header', () => {
  it.each([
    { title: 'id 258', bytes: [0, 0, 0, 1, 2, 9], outcome: 258 },
    { title: 'the greatest id', bytes: [0, 0x7f, 0xff, 0xff, 0xff], outcome: 2 ** 31 - 1 },
    { title: 'no bytes', bytes: [], outcome: 'truncated' },
    { title: 'half a header', bytes: [0, 0, 0, 1], outcome: 'truncated' },
    { title: 'JSON', bytes: [...Buffer.from('{"a":1}')], outcome: 'not-confluent-avro' },
    { title: 'a negative id', bytes: [0, 0x80, 0, 0, 0], outcome: 'not-confluent-avro' },
  ])('$title', ({ bytes, outcome }) => {
    const framed = Buffer.from([7, 7, ...bytes, 7, 7])
    const id = schemaIdAt(framed, 2, 2 + bytes.length)
    expect(id < 0 ? wireFaultName(id) : id).toBe(outcome)
  })
})

it('shows people what JSON cannot say', () => {
  const value = {
    a: Buffer.from('hi'),
    b: 10n,
    c: NaN,
    d: -Infinity,
    e: [new Uint8Array(1)],
    f: { g: null },
  }
  expect(jsonFormOf(value)).toEqual({
    a: 'aGk=',
    b: '10',
    c: 'NaN',
    d: '-Infinity',
    e: ['AA=='],
    f: { g: null },
  })
})

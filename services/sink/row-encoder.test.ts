import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordEncoder, WIRE_HEADER_BYTES } from '../../pipelines/runtime/avro/index.ts'
import { metricPointSchema, type MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import type { AvroSchema } from '../../schemas/topic.ts'
import { createRowEncoder, type Misfit } from './row-encoder.ts'
import { RowWriter } from './row-writer.ts'
import { inputStructure, sinkTables } from './tables.ts'

const metrics = sinkTables[0]!

interface RecordSchema {
  readonly fields: readonly AvroSchema[]
}
/** The same record with its fields the other way round: it is read the plain way. */
const reversedSchema: AvroSchema = {
  ...(metricPointSchema as object),
  fields: [...(metricPointSchema as unknown as RecordSchema).fields].reverse(),
}

const bodyOf = (schema: AvroSchema, point: MetricPoint): Buffer =>
  Buffer.from(new RecordEncoder<MetricPoint>({ schema, schemaId: 1 }).encode(point)).subarray(
    WIRE_HEADER_BYTES,
  )

const encoded = (schema: AvroSchema, bodies: readonly Buffer[]) => {
  const encoder = createRowEncoder(metrics, schema)
  const writer = new RowWriter(16)
  const misfits = bodies.map((body, offset) => {
    // Somewhere inside a larger buffer, as in a fetched batch.
    const buffer = Buffer.concat([Buffer.from('..'), body, Buffer.from('..')])
    return encoder.encode({ buffer, start: 2, end: 2 + body.length, offset }, writer)
  })
  return { misfits, bytes: Buffer.from(writer.bytes()) }
}

const text = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((part) => !part.includes('\u001f'))
const points: fc.Arbitrary<MetricPoint> = fc.record({
  timestamp: fc.integer({ min: -2_000_000_000_000, max: 9_000_000_000_000 }),
  value: fc.double(),
  tenant: fc.constantFrom('default', 'sim-1'),
  name: text,
  labels: fc.dictionary(
    text.filter((part) => !part.includes('=')),
    fc.string(),
  ),
  unit: fc.option(fc.constantFrom('1', 'By')),
  kind: fc.constantFrom('unspecified', 'gauge', 'counter', 'delta'),
})

it('copies what repeats and decodes the rest, to the same bytes as decoding all', () => {
  const few = fc.array(points, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(few, fc.array(fc.nat(3), { maxLength: 12 }), (series, order) => {
      const stream = order.map((pick, index) => ({
        ...series[pick % series.length]!,
        value: index,
      }))
      const cached = encoded(
        metricPointSchema,
        stream.map((point) => bodyOf(metricPointSchema, point)),
      )
      const plain = encoded(
        reversedSchema,
        stream.map((point) => bodyOf(reversedSchema, point)),
      )
      expect(cached.misfits.every((misfit) => misfit === undefined)).toBe(true)
      expect(cached.bytes.equals(plain.bytes)).toBe(true)
    }),
  )
})

const point: MetricPoint = {
  timestamp: 1,
  value: 2,
  tenant: 't',
  name: 'n',
  labels: { a: 'b' },
  unit: null,
  kind: 'unspecified',
}

it('tells series apart whose value cannot be read in place', () => {
  const { fields } = metricPointSchema as unknown as { readonly fields: { name: string }[] }
  const union = ['double', 'float']
  const schema: AvroSchema = {
    ...(metricPointSchema as object),
    fields: fields.map((field) => (field.name === 'value' ? { ...field, type: union } : field)),
  }
  /** The branch of the union stands before the value. */
  const withBranch = (body: Buffer) =>
    Buffer.concat([body.subarray(0, 1), Buffer.from([0]), body.subarray(1)])
  const bodies = ['n', 'another'].map((name) => bodyOf(metricPointSchema, { ...point, name }))
  const plain = encoded(metricPointSchema, bodies)
  expect(encoded(schema, bodies.map(withBranch))).toEqual(plain)
})

it('writes RowBinary in the order that input() declares', () => {
  expect(inputStructure(metrics)).toBe(
    "_offset Int64, timestamp DateTime64(3, 'UTC'), value Float64, tenant String, series String, name String, labels Map(String, String), unit Nullable(String), kind String",
  )
  const { bytes } = encoded(metricPointSchema, [bodyOf(metricPointSchema, point)])
  expect(bytes.readBigInt64LE(0)).toBe(0n)
  expect(bytes.readBigInt64LE(8)).toBe(1n)
  expect(bytes.readDoubleLE(16)).toBe(2)
  expect(bytes.subarray(24, 27).toString('latin1')).toBe('\x01t\x20')
  expect(bytes.subarray(59).toString('latin1')).toBe('\x01n\x01\x01a\x01b\x01\x0bunspecified')
})

it('keeps the bits of NaN and infinities', () => {
  for (const value of [NaN, Infinity, -Infinity, -0]) {
    const { bytes } = encoded(metricPointSchema, [bodyOf(metricPointSchema, { ...point, value })])
    expect(bytes.readDoubleLE(16)).toBe(value)
  }
})

describe('a record without a row', () => {
  const good = bodyOf(metricPointSchema, point)
  const bad: readonly { title: string; body: Buffer; code: string }[] = [
    { title: 'cut in its value', body: good.subarray(0, 5), code: 'malformed-value' },
    { title: 'cut in its labels', body: good.subarray(0, 15), code: 'malformed-value' },
    {
      title: 'with bytes behind its end',
      body: Buffer.concat([good, Buffer.from([0])]),
      code: 'malformed-value',
    },
    {
      title: 'before 1900',
      body: bodyOf(metricPointSchema, { ...point, timestamp: Date.UTC(1900, 0, 1) - 1 }),
      code: 'does-not-fit',
    },
    {
      title: 'without a name',
      body: bodyOf(metricPointSchema, { ...point, name: '' }),
      code: 'invalid-key',
    },
  ]
  it.each(bad)('$title leaves no trace between its neighbours', ({ body, code }) => {
    const { misfits, bytes } = encoded(metricPointSchema, [good, body, good])
    expect(misfits.map((misfit: Misfit | undefined) => misfit?.code)).toEqual([
      undefined,
      code,
      undefined,
    ])
    const rowBytes = bytes.length / 2
    expect(bytes.subarray(8, rowBytes).equals(bytes.subarray(rowBytes + 8))).toBe(true)
  })
})

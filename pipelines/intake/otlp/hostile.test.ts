/** Whatever comes: records and rejections, or BadInput; never another error, and never for long. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { telemetryLogs, telemetryMetrics, telemetrySpans } from '../../../schemas/topics.ts'
import { RecordEncoder } from '../../runtime/avro/index.ts'
import { BadInput } from '../bad-input.ts'
import { readOtlp, type OtlpRecords, type OtlpSignal } from './index.ts'
import type { AnyValue, KeyValue } from './messages.ts'
import { encodeOtlp, nanos } from './testing/encode.ts'

const now = Date.UTC(2026, 10, 21, 12)
const SIGNALS = ['traces', 'metrics', 'logs'] as const
const ENCODINGS = ['protobuf', 'json'] as const
const seed = Number(process.env['OTLP_SEED'] ?? Date.now() % 2 ** 31)
const runs = (numRuns: number) => ({ seed, numRuns })

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('service.name', '__proto__', 'http.route', 'a=b', 'a\u001fb', '', 'le'),
)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const time = fc.oneof(fc.constant(nanos(now)), fc.constant(0n), uint64)
const anyValue = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    fc.record({ doubleValue: fc.double() }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)) }),
    fc.constant({}),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({
      kvlistValue: fc.record({
        values: fc.array(fc.record({ key: text, value: tie('value') }), { maxLength: 3 }),
      }),
    }),
  ),
})).value
const attributes: fc.Arbitrary<KeyValue[]> = fc.array(fc.record({ key: text, value: anyValue }), {
  maxLength: 5,
})
const id = (length: number) =>
  fc.uint8Array({ minLength: 0, maxLength: length }).map((bytes) => Buffer.from(bytes))
const resource = fc.record({ attributes })
const scope = fc.record({ name: text, version: text, attributes })
const optional = <T>(fields: { [Name in keyof T]: fc.Arbitrary<T[Name]> }) =>
  fc.record(fields, { requiredKeys: [] })
const many = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 })

const spans = optional({
  traceId: fc.oneof(id(17), fc.constant(Buffer.alloc(16, 7))),
  spanId: fc.oneof(id(9), fc.constant(Buffer.alloc(8, 7))),
  parentSpanId: id(8),
  ...{ name: text, kind: fc.nat(7), traceState: text, attributes },
  ...{ startTimeUnixNano: time, endTimeUnixNano: time },
  events: many(optional({ timeUnixNano: time, name: text, attributes })),
  links: many(optional({ traceId: id(16), spanId: id(8), attributes })),
  status: optional({ code: fc.nat(3), message: text }),
})
const logRecords = optional({
  ...{ timeUnixNano: time, observedTimeUnixNano: time, severityNumber: fc.nat(30) },
  ...{ severityText: text, body: anyValue, attributes, eventName: text },
  ...{ traceId: id(17), spanId: id(9) },
})
const common = { attributes, timeUnixNano: time, flags: fc.nat(1) }
const numbers = fc.record({
  dataPoints: many(
    fc.oneof(
      optional({ ...common, asDouble: fc.double() }),
      optional({ ...common, asInt: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
    ),
  ),
  aggregationTemporality: fc.nat(3),
  isMonotonic: fc.boolean(),
})
const sized = { count: uint64, sum: fc.double(), min: fc.double(), max: fc.double() }
const histogram = fc.record({
  dataPoints: many(
    optional({
      ...{ ...common, ...sized, bucketCounts: fc.array(uint64, { maxLength: 4 }) },
      explicitBounds: fc.array(fc.double(), { maxLength: 3 }),
    }),
  ),
})
const buckets = optional({
  offset: fc.integer(),
  bucketCounts: fc.array(uint64, { maxLength: 5 }),
})
const exponential = fc.record({
  dataPoints: many(
    optional({
      ...{ ...common, ...sized, scale: fc.integer({ min: -15, max: 25 }), zeroCount: uint64 },
      ...{ positive: buckets, negative: buckets, zeroThreshold: fc.double() },
    }),
  ),
})
const summary = fc.record({
  dataPoints: many(
    optional({
      ...{ ...common, count: uint64, sum: fc.double() },
      quantileValues: many(optional({ quantile: fc.double(), value: fc.double() })),
    }),
  ),
})
const metrics = fc.oneof(
  fc.record({ name: text, unit: text, gauge: numbers }),
  fc.record({ name: text, unit: text, sum: numbers }),
  fc.record({ name: text, histogram }),
  fc.record({ name: text, exponentialHistogram: exponential }),
  fc.record({ name: text, summary }),
)
const requests = {
  traces: many(
    fc.record({ resource, scopeSpans: many(fc.record({ scope, spans: many(spans) })) }),
  ).map((resourceSpans) => ({ resourceSpans })),
  metrics: many(
    fc.record({ resource, scopeMetrics: many(fc.record({ scope, metrics: many(metrics) })) }),
  ).map((resourceMetrics) => ({ resourceMetrics })),
  logs: many(
    fc.record({ resource, scopeLogs: many(fc.record({ scope, logRecords: many(logRecords) })) }),
  ).map((resourceLogs) => ({ resourceLogs })),
}

const encoders = {
  traces: new RecordEncoder({ schema: telemetrySpans.schema, schemaId: 1 }),
  metrics: new RecordEncoder({ schema: telemetryMetrics.schema, schemaId: 1 }),
  logs: new RecordEncoder({ schema: telemetryLogs.schema, schemaId: 1 }),
}
const topics = { traces: telemetrySpans, metrics: telemetryMetrics, logs: telemetryLogs }

const read = (signal: OtlpSignal, bytes: Buffer, encoding: (typeof ENCODINGS)[number]) =>
  readOtlp(signal, { bytes, encoding, tenant: 'acme', receivedAtMs: now })

/** They have keys, and are what the topic's schema takes. */
const check = ({ signal, records }: OtlpRecords) => {
  for (const record of records) {
    encoders[signal].encode(record)
    ;(topics[signal].keyOf as (value: typeof record) => string)(record)
  }
}

describe(`random messages (OTLP_SEED=${String(seed)})`, () => {
  it.each(SIGNALS)('of %s become records, the same of both encodings', (signal) => {
    fc.assert(
      fc.property(requests[signal] as fc.Arbitrary<object>, (request) => {
        const [fromProtobuf, fromJson] = ENCODINGS.map((encoding) =>
          read(signal, encodeOtlp(signal, request, encoding), encoding),
        )
        check(fromProtobuf!)
        expect(fromJson).toEqual(fromProtobuf)
      }),
      runs(150),
    )
  })

  it.each(SIGNALS)('of %s with bytes changed are read or refused', (signal) => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        requests[signal] as fc.Arbitrary<object>,
        edits,
        fc.nat(),
        fc.constantFrom(...ENCODINGS),
        (request, changes, cut, encoding) => {
          const bytes = encodeOtlp(signal, request, encoding)
          for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte
          const shortened = bytes.subarray(0, bytes.length - (cut % 3 === 0 ? cut % 20 : 0))
          try {
            check(read(signal, shortened, encoding))
          } catch (error) {
            if (!(error instanceof BadInput)) throw error
          }
        },
      ),
      runs(400),
    )
  })
})

const nested = (depth: number): AnyValue =>
  depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nested(depth - 1)] } }
/** Lists in lists, which the writer would refuse to write. */
const nestedBytes = (depth: number): Buffer => {
  const tags = [0x0a, 0x12, 0x12, 0x2a, ...Array.from({ length: depth }, () => [0x2a, 0x0a]).flat()]
  return tags.reduceRight((inner, tag) => {
    const length =
      inner.length < 128 ? [inner.length] : [(inner.length & 127) | 128, inner.length >> 7]
    return Buffer.concat([Buffer.from([tag, ...length]), inner])
  }, Buffer.alloc(0))
}
const ofBody = (body: AnyValue) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body }] }] }] })

it.each<{ title: string; bytes: Buffer; encoding: (typeof ENCODINGS)[number]; says: RegExp }>([
  { title: 'protobuf nested deeply', bytes: nestedBytes(100), encoding: 'protobuf', says: /depth/ },
  {
    title: 'JSON nested deeply',
    bytes: encodeOtlp('logs', ofBody(nested(45)), 'json'),
    encoding: 'json',
    says: /levels/,
  },
  {
    title: 'a million empty messages thrice',
    bytes: Buffer.alloc(6_000_000, Buffer.from([0x0a, 0])),
    encoding: 'protobuf',
    says: /1500000 values/,
  },
  {
    title: 'as many in JSON',
    bytes: Buffer.from(`{"resourceLogs":[${'{},'.repeat(1_500_000)}{}]}`),
    encoding: 'json',
    says: /1500000 values/,
  },
  {
    title: 'text in protobuf that is no UTF-8',
    bytes: Buffer.from([0x0a, 8, 0x12, 6, 0x12, 4, 0x1a, 2, 0xff, 0xff]),
    encoding: 'protobuf',
    says: /protobuf/,
  },
  {
    title: 'JSON that is no UTF-8',
    bytes: Buffer.from([0x22, 0xff, 0x22]),
    encoding: 'json',
    says: /UTF-8/,
  },
  {
    title: 'ids in base64',
    bytes: Buffer.from(
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"Cvd2UZFs2UPdhEjrIRyAMZw="}]}]}]}',
    ),
    encoding: 'json',
    says: /traceId must be hex/,
  },
  {
    title: 'an integer of 65 bits',
    bytes: Buffer.from(
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":18446744073709551616}]}]}]}',
    ),
    encoding: 'json',
    says: /64 bits/,
  },
  {
    title: 'half an integer',
    bytes: Buffer.from('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1.5}]}]}]}'),
    encoding: 'json',
    says: /whole number/,
  },
])('refuses $title, in time', ({ bytes, encoding, says }) => {
  const startedMs = performance.now()
  expect(() => read('logs', bytes, encoding)).toThrow(says)
  expect(performance.now() - startedMs).toBeLessThan(10_000)
})

it.each([
  { title: 'numbers', time: '1795262400123456789' },
  { title: 'text', time: '"1795262400123456789"' },
])(
  'reads 64 bits of JSON exactly as $title, and passes over what it does not know',
  ({ time: written }) => {
    const json = `{"resourceSpans":[{"schemaUrl":"x","scopeSpans":[{"spans":[{"traceId":"0AF7651916cd43dd8448eb211c80319c",
    "spanId":"b7ad6b7169203331","name":"n","newField":{"a":[1]},"parentSpanId":null,
    "startTimeUnixNano":${written},"endTimeUnixNano":"1795262400123457789"}]}]}],"whatever":1}`
    const { records, rejected } = readOtlp('traces', {
      ...{
        bytes: Buffer.from(json),
        encoding: 'json',
        tenant: 'a',
        receivedAtMs: 1_795_262_400_123,
      },
    })
    expect(rejected).toEqual([])
    expect(records).toMatchObject([
      { start: 1_795_262_400_123_456, durationUs: 1, traceId: '0af7651916cd43dd8448eb211c80319c' },
    ])
  },
)

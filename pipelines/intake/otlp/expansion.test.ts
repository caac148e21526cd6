/** Bodies of some kB that would be all of the memory, or an hour's work. */
import { expect, it } from 'vitest'
import { readOtlp, type OtlpSignal } from './index.ts'
import { nanos } from './testing/encode.ts'

const now = Date.UTC(2026, 10, 21, 12)
const read = (signal: OtlpSignal, bytes: Buffer) =>
  readOtlp(signal, { bytes, encoding: 'protobuf', tenant: 'acme', receivedAtMs: now })

/** A field with a length: numbers below 16 and lengths below 2^21. */
const field = (number: number, content: Buffer): Buffer => {
  const { length } = content
  const head = [(number << 3) | 2, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
  return Buffer.concat([Buffer.from(head), content])
}
const attribute = (number: number, index: number): Buffer =>
  field(number, field(1, Buffer.from(`k${String(index)}`)))
const attributesOf = (number: number, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => attribute(number, index)))
const many = (count: number, item: Buffer): Buffer => Buffer.alloc(item.length * count, item)
const below = (...parts: Buffer[]): Buffer => field(1, Buffer.concat(parts))
/** A point of now, of a series of its own. */
const point = (index: number): Buffer => {
  const time = Buffer.alloc(9, 0x19)
  time.writeBigUInt64LE(nanos(now), 1)
  return field(
    1,
    Buffer.concat([attribute(7, index), time, Buffer.from([0x31, 0, 0, 0, 0, 0, 0, 0, 0])]),
  )
}
const points = Buffer.concat(Array.from({ length: 10_000 }, (_, index) => point(index)))

it.each<{ title: string; signal: OtlpSignal; bytes: Buffer; says: RegExp }>([
  {
    title: 'entries in two bytes each',
    signal: 'logs',
    bytes: below(field(2, many(251_000, Buffer.from([0x12, 0])))),
    says: /at most 250000 records/,
  },
  {
    title: 'spans in two bytes each',
    signal: 'traces',
    bytes: below(field(2, many(251_000, Buffer.from([0x12, 0])))),
    says: /at most 250000 records/,
  },
  {
    title: 'points in two bytes each',
    signal: 'metrics',
    bytes: below(field(2, field(2, field(5, many(251_000, Buffer.from([0x0a, 0])))))),
    says: /at most 250000 records/,
  },
  {
    title: 'many entries below many attributes of a scope',
    signal: 'logs',
    bytes: below(
      field(2, Buffer.concat([below(attributesOf(3, 250)), many(50_000, Buffer.from([0x12, 0]))])),
    ),
    says: /less in common/,
  },
  {
    title: 'many spans below them',
    signal: 'traces',
    bytes: below(
      field(2, Buffer.concat([below(attributesOf(3, 250)), many(50_000, Buffer.from([0x12, 0]))])),
    ),
    says: /less in common/,
  },
  {
    title: 'many scopes below many attributes of a resource',
    signal: 'metrics',
    bytes: below(below(attributesOf(1, 4_000)), many(50_000, Buffer.from([0x12, 0]))),
    says: /less in common/,
  },
  {
    title: 'many series below them',
    signal: 'metrics',
    bytes: below(below(attributesOf(1, 1_000)), field(2, field(2, field(5, points)))),
    says: /less in common/,
  },
  {
    title: 'many series below a long one',
    signal: 'metrics',
    bytes: below(
      below(
        field(
          1,
          Buffer.concat([
            field(1, Buffer.from('k')),
            field(2, field(1, Buffer.alloc(100_000, 'x'))),
          ]),
        ),
      ),
      field(2, field(2, field(5, points))),
    ),
    says: /less in common/,
  },
])('refuses $title, in time', ({ signal, bytes, says }) => {
  const startedMs = performance.now()
  expect(() => read(signal, bytes)).toThrow(says)
  expect(performance.now() - startedMs).toBeLessThan(20_000)
})

it('tells of the first thousand that are refused, and counts all', () => {
  const bytes = below(field(2, many(100_000, Buffer.from([0x12, 0]))))
  const { rejected } = read('traces', bytes)
  expect(rejected).toHaveLength(100_000)
  expect(new Set(rejected).size).toBeLessThanOrEqual(1_001)
  expect(new Set(rejected.map(({ reason }) => reason))).toEqual(new Set(['no time']))
})

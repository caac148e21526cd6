import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_TIMESTAMP_AT,
  CONTROL_BIT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LOG_APPEND_TIME_BIT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  RECORDS_AT,
} from './batch-header.ts'
import { compress, type Compression } from './compression.ts'
import { crc32c } from './crc32c.ts'
import { RecordBatchBuilder } from './record-batch-builder.ts'
import { RecordSet } from './record-set.ts'
import type { RecordHeader, RecordSetOptions } from './record-set.ts'
import { writeInt64 } from './varint.ts'

const STAMP_MS = 1_763_000_000_000

interface TestRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

interface BatchOptions {
  readonly baseOffset: number
  readonly producerId?: number
  readonly transactional?: boolean
  readonly compression?: Compression
}

/** A batch as the broker would store it at `baseOffset`. */
function batchOf(records: readonly TestRecord[], options: BatchOptions): Buffer {
  const builder = new RecordBatchBuilder(64)
  for (const { key, value, headers } of records) builder.appendRecord(key, value, headers)
  const batch = Buffer.from(
    builder.finish({
      timestampMs: STAMP_MS,
      producerId: options.producerId ?? -1,
      transactional: options.transactional ?? false,
      compression: options.compression ?? 'none',
    }),
  )
  writeInt64(batch, BASE_OFFSET_AT, options.baseOffset)
  return batch
}

const sealCrc = (batch: Buffer): Buffer => {
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), CRC_AT)
  return batch
}

function markerOf(kind: 'abort' | 'commit', options: BatchOptions): Buffer {
  const key = Buffer.from([0, 0, 0, kind === 'commit' ? 1 : 0])
  const batch = batchOf([{ key, value: Buffer.alloc(6) }], { ...options, transactional: true })
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | CONTROL_BIT, ATTRIBUTES_AT)
  return sealCrc(batch)
}

const text = (value: string): TestRecord => ({ key: null, value: Buffer.from(value) })

/** Everything the cursor shows. */
function read(bytes: Buffer, options: Partial<RecordSetOptions> = {}) {
  const records = new RecordSet(bytes, { fromOffset: 0, ...options })
  const shown: {
    offset: number
    timestampMs: number
    key: Buffer | null
    value: Buffer | null
    headers: RecordHeader[]
  }[] = []
  while (records.next()) {
    const { offset, timestampMs } = records
    shown.push({
      offset,
      timestampMs,
      key: records.key(),
      value: records.value(),
      headers: records.headers(),
    })
  }
  return { shown, nextOffset: records.nextOffset, truncated: records.truncated }
}

const values = (bytes: Buffer, options: Partial<RecordSetOptions> = {}): (string | undefined)[] =>
  read(bytes, options).shown.map(({ value }) => value?.toString())

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)))
const anyRecord: fc.Arbitrary<TestRecord> = fc.record({
  key: bytesOrNull,
  value: bytesOrNull,
  headers: fc.array(fc.record({ key: fc.string(), value: bytesOrNull }), { maxLength: 3 }),
})
const anyCompression = fc.constantFrom<Compression>('none', 'gzip', 'snappy', 'lz4', 'zstd')

describe('round trip', () => {
  it('shows what was appended, whatever the compression', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), { maxLength: 4 }),
        anyCompression,
        (batches, compression) => {
          let baseOffset = 1000
          const parts = batches.map((records) => {
            const part = batchOf(records, { baseOffset, compression })
            baseOffset += records.length
            return part
          })
          const { shown, nextOffset } = read(Buffer.concat(parts), { fromOffset: 1000 })
          expect(shown).toEqual(
            batches.flat().map(({ key, value, headers }, index) => ({
              offset: 1000 + index,
              timestampMs: STAMP_MS,
              key,
              value,
              headers,
            })),
          )
          expect(nextOffset).toBe(baseOffset)
        },
      ),
    )
  })

  it('reuses a builder after reset', () => {
    const builder = new RecordBatchBuilder(64)
    builder.appendRecord(null, Buffer.alloc(1000, 1))
    builder.reset()
    builder.appendRecord(null, Buffer.from('second'))
    expect(builder.count).toBe(1)
    expect(values(builder.finish({ timestampMs: STAMP_MS }))).toEqual(['second'])
  })
})

describe('a part of a batch', () => {
  const first = batchOf([text('a'), text('b')], { baseOffset: 7 })
  const second = batchOf([text('c')], { baseOffset: 9 })

  it('is left for the next fetch, wherever the cut is', () => {
    for (let cut = 0; cut < second.length; cut++) {
      const bytes = Buffer.concat([first, second.subarray(0, cut)])
      const { shown, nextOffset, truncated } = read(bytes, { fromOffset: 7 })
      expect(shown.map(({ offset }) => offset)).toEqual([7, 8])
      expect({ nextOffset, truncated }).toEqual({ nextOffset: 9, truncated: false })
    }
  })

  it('alone asks for more bytes and keeps the position', () => {
    const { shown, nextOffset, truncated } = read(first.subarray(0, 70), { fromOffset: 7 })
    expect({ shown, nextOffset, truncated }).toEqual({ shown: [], nextOffset: 7, truncated: true })
  })
})

describe('offsets', () => {
  const bytes = Buffer.concat([
    batchOf([text('a'), text('b'), text('c')], { baseOffset: 10 }),
    batchOf([text('d'), text('e')], { baseOffset: 13 }),
  ])

  it.each([
    { title: 'inside the first batch', fromOffset: 11, expected: ['b', 'c', 'd', 'e'] },
    { title: 'at the second batch', fromOffset: 13, expected: ['d', 'e'] },
    { title: 'at the last record', fromOffset: 14, expected: ['e'] },
  ])('begins $title', ({ fromOffset, expected }) => {
    expect(values(bytes, { fromOffset })).toEqual(expected)
  })

  it.each([
    { untilOffset: 10, expected: [] },
    { untilOffset: 12, expected: ['a', 'b'] },
    { untilOffset: 14, expected: ['a', 'b', 'c', 'd'] },
    { untilOffset: 99, expected: ['a', 'b', 'c', 'd', 'e'] },
  ])('ends before $untilOffset', ({ untilOffset, expected }) => {
    expect(values(bytes, { untilOffset })).toEqual(expected)
  })

  it('moves behind a batch of which compaction left nothing', () => {
    const empty = batchOf([], { baseOffset: 15 })
    empty.writeInt32BE(4, LAST_OFFSET_DELTA_AT)
    const { shown, nextOffset } = read(sealCrc(empty), { fromOffset: 15 })
    expect({ shown, nextOffset }).toEqual({ shown: [], nextOffset: 20 })
  })
})

describe('timestamps', () => {
  it('are the append time of the batch on LogAppendTime topics', () => {
    const batch = batchOf([text('a')], { baseOffset: 0 })
    batch.writeInt16BE(LOG_APPEND_TIME_BIT, ATTRIBUTES_AT)
    writeInt64(batch, BASE_TIMESTAMP_AT, 5)
    writeInt64(batch, MAX_TIMESTAMP_AT, 1_800_000_000_123)
    expect(read(sealCrc(batch)).shown[0]?.timestampMs).toBe(1_800_000_000_123)
  })

  it('before 1970 are negative', () => {
    const batch = batchOf([text('a')], { baseOffset: 0 })
    writeInt64(batch, BASE_TIMESTAMP_AT, -86_400_000)
    expect(read(sealCrc(batch)).shown[0]?.timestampMs).toBe(-86_400_000)
  })
})

describe('transactions', () => {
  const of = (producerId: number, baseOffset: number) => ({ producerId, baseOffset })
  const data = (value: string, producerId: number, baseOffset: number): Buffer =>
    batchOf([text(value)], { ...of(producerId, baseOffset), transactional: true })

  it('hides aborted records of one producer, shows the others', () => {
    const bytes = Buffer.concat([
      data('aborted', 1, 0),
      data('kept', 2, 1),
      data('aborted too', 1, 2),
      markerOf('abort', of(1, 3)),
      data('next of the same producer', 1, 4),
      markerOf('commit', of(2, 5)),
      markerOf('commit', of(1, 6)),
    ])
    const abortedTransactions = [{ producerId: 1, firstOffset: 0 }]
    expect(values(bytes, { abortedTransactions })).toEqual(['kept', 'next of the same producer'])
    expect(read(bytes, { abortedTransactions }).nextOffset).toBe(7)
  })

  it('hides two aborted transactions of one producer, listed in any order', () => {
    const bytes = Buffer.concat([
      data('aborted', 1, 0),
      markerOf('abort', of(1, 1)),
      data('kept', 1, 2),
      markerOf('commit', of(1, 3)),
      data('aborted', 1, 4),
      markerOf('abort', of(1, 5)),
      data('kept', 1, 6),
    ])
    const abortedTransactions = [
      { producerId: 1, firstOffset: 4 },
      { producerId: 1, firstOffset: 0 },
    ]
    expect(values(bytes, { abortedTransactions })).toEqual(['kept', 'kept'])
  })

  it('a data record with the key of an abort marker ends nothing', () => {
    const key = Buffer.alloc(4) // int32 zero
    const lookAlike = batchOf([{ key, value: Buffer.from('aborted') }], {
      ...of(1, 0),
      transactional: true,
    })
    const bytes = Buffer.concat([lookAlike, data('aborted', 1, 1), markerOf('abort', of(1, 2))])
    expect(values(bytes, { abortedTransactions: [{ producerId: 1, firstOffset: 0 }] })).toEqual([])
  })

  it('a committed record with such a key is shown', () => {
    const key = Buffer.alloc(4)
    const bytes = Buffer.concat([
      batchOf([{ key, value: Buffer.from('kept') }], { ...of(1, 0), transactional: true }),
      markerOf('commit', of(1, 1)),
    ])
    expect(values(bytes)).toEqual(['kept'])
  })

  it('a transaction that began before the position is hidden, too', () => {
    const bytes = Buffer.concat([data('aborted', 1, 8), markerOf('abort', of(1, 9))])
    const abortedTransactions = [{ producerId: 1, firstOffset: 2 }]
    expect(values(bytes, { fromOffset: 8, abortedTransactions })).toEqual([])
  })

  it('only control records move the position and show nothing', () => {
    const { shown, nextOffset } = read(markerOf('commit', of(1, 41)), { fromOffset: 41 })
    expect({ shown, nextOffset }).toEqual({ shown: [], nextOffset: 42 })
  })
})

describe('bad bytes', () => {
  const good = (): Buffer => batchOf([text('some value')], { baseOffset: 3 })

  it('a flipped bit anywhere behind the checksum is found', () => {
    const size = good().length
    for (let at = ATTRIBUTES_AT; at < size; at++) {
      const bytes = good()
      bytes[at]! ^= 1
      const flipped = (): unknown => read(bytes, { fromOffset: 0 })
      if (at >= LAST_OFFSET_DELTA_AT && at < LAST_OFFSET_DELTA_AT + 4) continue // may skip it
      expect(flipped, `bit at ${String(at)}`).toThrow(
        expect.objectContaining({ code: 'RECORD_CRC_MISMATCH' }),
      )
    }
  })

  it.each([
    {
      title: 'an old format',
      change: (b: Buffer) => b.writeInt8(1, MAGIC_AT),
      code: 'RECORD_UNSUPPORTED_MAGIC',
    },
    {
      title: 'a negative length',
      change: (b: Buffer) => b.writeInt32BE(-5, 8),
      code: 'RECORD_CORRUPT',
    },
    {
      title: 'an unknown compression',
      change: (b: Buffer) => b.writeInt16BE(6, ATTRIBUTES_AT),
      code: 'RECORD_UNSUPPORTED_COMPRESSION',
    },
    {
      title: 'no gzip where gzip is said',
      change: (b: Buffer) => b.writeInt16BE(1, ATTRIBUTES_AT),
      code: 'RECORD_CORRUPT',
    },
    {
      title: 'a record longer than its batch',
      change: (b: Buffer) => b.writeInt8(0x7e, RECORDS_AT),
      code: 'RECORD_CORRUPT',
    },
  ])('$title is named', ({ change, code }) => {
    const bytes = good()
    change(bytes)
    expect(() => read(bytes, { verifyCrc: false })).toThrow(expect.objectContaining({ code }))
  })

  it('random bytes never hang or crash otherwise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (noise, at) => {
        const bytes = good()
        bytes.set(
          noise.subarray(0, Math.max(0, bytes.length - at - ATTRIBUTES_AT)),
          Math.min(
            ATTRIBUTES_AT + at,
            bytes.length - 1 - Math.min(noise.length, bytes.length - ATTRIBUTES_AT - 1),
          ),
        )
        try {
          read(bytes, { verifyCrc: false })
        } catch (error) {
          expect(error).toMatchObject({ name: 'RecordFormatError' })
        }
      }),
    )
  })
})

describe('batches that unpack to more than is taken', () => {
  const LARGE = 65 * 1024 * 1024
  /** A few hundred kilobytes, or less, in which one record claims 65 MiB. */
  const bombOf = (compression: Compression): Buffer => {
    const builder = new RecordBatchBuilder(LARGE + 1_024)
    builder.appendRecord(Buffer.from('first'), Buffer.from('value'))
    builder.appendRecord(Buffer.from('bomb'), Buffer.alloc(LARGE))
    const batch = Buffer.from(builder.finish({ timestampMs: 7, compression }))
    batch.writeBigInt64BE(100n, 0)
    return batch
  }

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'shows one record for all of the batch and goes on behind it: %s',
    (compression) => {
      const builder = new RecordBatchBuilder()
      builder.appendRecord(Buffer.from('behind'), Buffer.from('it'))
      const behind = Buffer.from(builder.finish({ timestampMs: 8, compression }))
      behind.writeBigInt64BE(102n, 0)
      const bomb = bombOf(compression)
      expect(bomb.length).toBeLessThan(LARGE / 15)
      const set = new RecordSet(Buffer.concat([bomb, behind]), { fromOffset: 100 })
      expect(set.next()).toBe(true)
      expect(set.fault).toMatch(/unpacks to more than 67108864.*offsets 100 to 101/)
      expect([set.offset, set.key(), set.value(), set.headers()]).toEqual([101, null, null, []])
      expect(set.next()).toBe(true)
      expect([set.offset, set.fault, set.value()?.toString()]).toEqual([102, undefined, 'it'])
      expect(set.next()).toBe(false)
    },
  )

  it('counts the frames of LZ4 one after the other, however many a producer appends', () => {
    const builder = new RecordBatchBuilder()
    builder.appendRecord(null, Buffer.from('it'))
    const batch = builder.finish({ timestampMs: 7, compression: 'lz4' })
    const emptyFrame = compress(Buffer.alloc(0), 'lz4')
    const padded = Buffer.concat([batch, ...new Array<Buffer>(50_000).fill(emptyFrame)])
    padded.writeInt32BE(padded.length - 12, 8)
    const set = new RecordSet(padded, { fromOffset: 0, verifyCrc: false })
    expect([set.next(), set.value()?.toString()]).toEqual([true, 'it'])
  })

  it('takes what is just below', () => {
    const builder = new RecordBatchBuilder(LARGE)
    builder.appendRecord(null, Buffer.alloc(63 * 1024 * 1024))
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const batch = Buffer.from(builder.finish({ timestampMs: 7, compression }))
      const set = new RecordSet(batch, { fromOffset: 0 })
      expect([set.next(), set.fault, set.value()?.length]).toEqual([
        true,
        undefined,
        63 * 1024 * 1024,
      ])
    }
  })
})

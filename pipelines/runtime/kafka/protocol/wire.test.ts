import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { metadataApi } from './metadata.ts'
import { offsetFetchApi } from './offsets.ts'
import { produceApi } from './produce.ts'
import { WireReader, WireWriter } from './wire.ts'

const hex = (writer: WireWriter): string => Buffer.concat(writer.finish()).toString('hex')

describe.each([{ flexible: false }, { flexible: true }])('flexible $flexible', ({ flexible }) => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ maxLength: 400 }))),
        fc.uint8Array({ maxLength: 3000 }),
        fc.maxSafeInteger(),
        fc.uuid(),
        (texts, bytes, offset, id) => {
          const writer = new WireWriter(flexible)
          writer.array(texts, (text) => {
            writer.string(text)
          })
          writer.bytes(Buffer.from(bytes))
          writer.int64(offset)
          writer.uuid(id)
          writer.tags()
          const reader = new WireReader(Buffer.concat(writer.finish()), flexible)
          expect(reader.array(() => reader.nullableString())).toEqual(texts)
          expect(reader.bytes()).toEqual(Buffer.from(bytes))
          expect(reader.int64()).toBe(offset)
          expect(reader.uuid()).toBe(id)
          reader.tags()
          expect(() => reader.int8()).toThrow(RangeError)
        },
      ),
    )
  })
})

describe('compact types (KIP-482)', () => {
  it.each([
    { title: 'a string has its length plus one', text: 'ab', expected: '036162' },
    { title: 'an empty string is 1', text: '', expected: '01' },
    { title: 'null is 0', text: null, expected: '00' },
    {
      title: 'a length above 126 takes two bytes',
      text: 'x'.repeat(127),
      expected: `8001${'78'.repeat(127)}`,
    },
  ])('$title', ({ text, expected }) => {
    const writer = new WireWriter(true)
    writer.string(text)
    expect(hex(writer)).toBe(expected)
  })

  it('unknown tagged fields are skipped', () => {
    // two tags: number 0 with 3 bytes, number 7 with none; then an int8
    const reader = new WireReader(Buffer.from('020003aabbcc070005', 'hex'), true)
    reader.tags()
    expect(reader.int8()).toBe(5)
  })
})

it('a large batch is spliced in, not copied', () => {
  const batch = Buffer.alloc(5000, 7)
  const writer = new WireWriter()
  produceApi.write(writer, {
    transactionalId: null,
    timeoutMs: 1000,
    batches: [{ topic: 't', partition: 0, batch }],
  })
  expect(writer.finish()).toContain(batch)
})

it('OffsetFetch v7 groups partitions by topic and asks for stable offsets', () => {
  const writer = new WireWriter(true)
  offsetFetchApi.write(writer, {
    groupId: 'g',
    partitions: [
      { topic: 'a', partition: 1 },
      { topic: 'b', partition: 0 },
      { topic: 'a', partition: 2 },
    ],
    requireStable: true,
  })
  const a = '0261' + '03' + '00000001' + '00000002' + '00'
  const b = '0262' + '02' + '00000000' + '00'
  expect(hex(writer)).toBe('0267' + '03' + a + b + '01' + '00')
})

it('Metadata v10 asks by name, without creating topics', () => {
  const writer = new WireWriter(true)
  metadataApi.write(writer, { topics: ['t'] })
  expect(hex(writer)).toBe(`02${'00'.repeat(16)}0274000000` + '0000')
})

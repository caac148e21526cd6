import { expect, it } from 'vitest'
import { packSnappyBlock, snappyBlockLength, unpackSnappyBlock } from './snappy-block.ts'

/** Written by hand after the format's description: 12 bytes, "ab" as a literal, a copy of 10 from 2 back. */
const byHand = Buffer.from([12, 0x04, 0x61, 0x62, 0x19, 0x02])

it('unpacks a block, and what it packed itself', () => {
  expect(unpackSnappyBlock(byHand).toString()).toBe('abababababab')
  for (const length of [0, 1, 59, 60, 61, 65_535, 65_536, 65_537, 300_000]) {
    const bytes = Buffer.alloc(length, 'telemetry ')
    expect(unpackSnappyBlock(packSnappyBlock(bytes)).equals(bytes)).toBe(true)
  }
})

it.each([
  { title: 'one byte', block: [12], length: 12 },
  { title: 'two bytes', block: [0x80, 0x01, 7], length: 128 },
  { title: 'the largest', block: [0xff, 0xff, 0xff, 0xff, 0x0f], length: 2 ** 32 - 1 },
  { title: 'none', block: [], length: Number.NaN },
  { title: 'cut short', block: [0x80, 0x80], length: Number.NaN },
  { title: 'more than five bytes', block: [128, 128, 128, 128, 128, 1], length: Number.NaN },
])('reads the length before anything is unpacked: $title', ({ block, length }) => {
  expect(snappyBlockLength(Buffer.from(block))).toBe(length)
})

it.each([
  { title: 'nothing', block: Buffer.alloc(0) },
  { title: 'text', block: Buffer.from('{"timeseries":[]}') },
  { title: 'a frame', block: Buffer.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]) },
  { title: 'a length that the block cannot hold', block: Buffer.from([0xff, 0xff, 0xff, 0x7f, 0]) },
  { title: 'a block cut short', block: byHand.subarray(0, 5) },
  { title: 'a copy from before the beginning', block: Buffer.from([4, 0x01, 0x05]) },
])('refuses $title', ({ block }) => {
  expect(() => unpackSnappyBlock(block)).toThrow()
})

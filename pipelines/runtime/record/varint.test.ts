import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  readInt64,
  readVarint,
  readVarlong,
  varintSize,
  writeInt64,
  writeVarint,
} from './varint.ts'

it('a varint comes back and takes the size foretold', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const bytes = Buffer.alloc(8)
      const end = writeVarint(bytes, 1, value)
      const cursor = { at: 1 }
      expect(readVarint(bytes, cursor)).toBe(value)
      expect(cursor.at).toBe(end)
      expect(end - 1).toBe(varintSize(value))
    }),
  )
})

// Encodings of org.apache.kafka.common.utils.ByteUtilsTest.
it.each([
  { value: 0, hex: '00' },
  { value: -1, hex: '01' },
  { value: 1, hex: '02' },
  { value: 63, hex: '7e' },
  { value: -64, hex: '7f' },
  { value: 64, hex: '8001' },
  { value: 8191, hex: 'fe7f' },
  { value: 2147483647, hex: 'feffffff0f' },
  { value: -2147483648, hex: 'ffffffff0f' },
])('varint $value is $hex', ({ value, hex }) => {
  const bytes = Buffer.alloc(5)
  expect(bytes.subarray(0, writeVarint(bytes, 0, value)).toString('hex')).toBe(hex)
  expect(readVarlong(Buffer.from(hex, 'hex'), { at: 0 })).toBe(value)
})

/** The definition, in arbitrary precision. */
function encodeVarlong(value: bigint): Buffer {
  let zigzag = value >= 0n ? value * 2n : -value * 2n - 1n
  const bytes: number[] = []
  while (zigzag > 0x7fn) {
    bytes.push(Number(zigzag & 0x7fn) | 0x80)
    zigzag >>= 7n
  }
  return Buffer.from([...bytes, Number(zigzag)])
}

it('a varlong is read exactly up to 52 bits', () => {
  const limit = 2 ** 52 - 1
  fc.assert(
    fc.property(fc.maxSafeInteger(), (any) => {
      const value = any % limit
      const bytes = encodeVarlong(BigInt(value))
      const cursor = { at: 0 }
      expect(readVarlong(bytes, cursor) + 0).toBe(value + 0)
      expect(cursor.at).toBe(bytes.length)
    }),
  )
})

it('an int64 comes back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = Buffer.alloc(8)
      writeInt64(bytes, 0, value)
      expect(bytes.readBigInt64BE()).toBe(BigInt(value))
      expect(readInt64(bytes, 0)).toBe(value)
    }),
  )
})

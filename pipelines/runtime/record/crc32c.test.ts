import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, crc32cByTables } from './crc32c.ts'

/** Bit by bit, as the polynomial says. */
const slowCrc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c', () => {
  // RFC 3720 (iSCSI) appendix B.4, and the usual check value.
  it.each([
    { title: '32 zero bytes', bytes: Buffer.alloc(32, 0), crc: 0x8a9136aa },
    { title: '32 bytes of ones', bytes: Buffer.alloc(32, 0xff), crc: 0x62a8ab43 },
    {
      title: '0 to 31',
      bytes: Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
      crc: 0x46dd794e,
    },
    { title: '"123456789"', bytes: Buffer.from('123456789'), crc: 0xe3069283 },
    { title: 'nothing', bytes: Buffer.alloc(0), crc: 0 },
  ])('of $title', ({ bytes, crc }) => {
    expect(crc32c(bytes)).toBe(crc)
  })

  it.each([
    { title: 'by tables', lengths: { maxLength: 100 } },
    { title: 'by native code where there is any', lengths: { minLength: 600, maxLength: 1_500 } },
  ])('equals the bitwise definition for any range, $title', ({ lengths }) => {
    fc.assert(
      fc.property(fc.uint8Array(lengths), fc.nat(20), fc.nat(20), (bytes, skip, cut) => {
        const start = Math.min(skip, bytes.length)
        const end = Math.max(start, bytes.length - cut)
        const expected = slowCrc32c(bytes.subarray(start, end))
        expect(crc32c(bytes, start, end)).toBe(expected)
        expect(crc32cByTables(bytes, start, end)).toBe(expected)
      }),
    )
  })
})

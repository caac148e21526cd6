import { describe, expect, it } from 'vitest'
import { murmur2, murmur2In, toPartition } from './murmur2.ts'

describe('murmur2', () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  it.each([
    { text: '21', hash: -973932308 },
    { text: 'foobar', hash: -790332482 },
    { text: 'a-little-bit-long-string', hash: -985981536 },
    { text: 'a-little-bit-longer-string', hash: -1486304829 },
    { text: 'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', hash: -58897971 },
    { text: 'abc', hash: 479470107 },
  ])('of "$text" is what the Java client computes', ({ text, hash }) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
  })

  it('hashes a part of a buffer as if it stood alone', () => {
    const { buffer, byteOffset } = Buffer.from('xxfoobaryy')
    expect(murmur2In(new DataView(buffer, byteOffset), 2, 8)).toBe(-790332482)
    expect(murmur2(Buffer.from('xxfoobaryy').subarray(2, 8))).toBe(-790332482)
  })
})

describe('toPartition', () => {
  it.each([
    { title: 'keeps a positive hash', hash: 479470107, partition: 479470107 % 4 },
    { title: 'cuts the sign bit off', hash: -973932308, partition: (-973932308 & 0x7fffffff) % 4 },
    { title: 'takes the smallest integer', hash: -0x80000000, partition: 0 },
  ])('$title', ({ hash, partition }) => {
    expect(toPartition(hash, 4)).toBe(partition)
  })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Chunks } from './chunks.ts'

it('are joined as they came, whatever their sizes', () => {
  const size = fc.oneof(fc.nat(20), fc.integer({ min: 1_000, max: 20_000 }))
  fc.assert(
    fc.property(fc.array(size, { maxLength: 60 }), (sizes) => {
      const chunks = new Chunks()
      const all = sizes.map((bytes, index) => Buffer.alloc(bytes, index))
      for (const chunk of all) chunks.add(chunk)
      expect(chunks.joined().equals(Buffer.concat(all))).toBe(true)
    }),
  )
})

it('of a byte each take little more than their bytes', () => {
  const chunks = new Chunks()
  const before = process.memoryUsage()
  for (let bytes = 0; bytes < 1_000_000; bytes += 1) chunks.add(Buffer.alloc(1))
  const after = process.memoryUsage()
  const takenBytes = after.heapUsed + after.arrayBuffers - (before.heapUsed + before.arrayBuffers)
  expect(takenBytes).toBeLessThan(60_000_000)
  expect(chunks.joined()).toHaveLength(1_000_000)
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RingStore } from '../../runtime/stores/ring-store.ts'
import { slide, WINDOW_SAMPLES } from './sliding-moments.ts'

const ringOf = (): RingStore => {
  const ring = new RingStore({ name: 'recent', capacity: WINDOW_SAMPLES })
  ring.create(0)
  ring.select(0)
  return ring
}

const slideAll = (values: Iterable<number>): { mean: number; squares: number } => {
  const moments = { mean: 0, squares: 0 }
  const ring = ringOf()
  for (const value of values) slide(moments, ring, value, ring.length)
  return moments
}

/** By the textbook, over the last 1,000 values. */
const exact = (values: readonly number[]): { mean: number; squares: number } => {
  const window = values.slice(-WINDOW_SAMPLES)
  const mean = window.reduce((sum, value) => sum + value, 0) / window.length
  return { mean, squares: window.reduce((sum, value) => sum + (value - mean) ** 2, 0) }
}

it('follows the mean and variance of the last 1,000 values', () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 50 }), (pattern) => {
      const values = Array.from({ length: 2_345 }, (_, index) => {
        return pattern[index % pattern.length]! * (1 + (index % 7))
      })
      const { mean, squares } = exact(values)
      const slid = slideAll(values)
      expect(Math.abs(slid.mean - mean)).toBeLessThanOrEqual(1e-6)
      expect(Math.abs(slid.squares - squares)).toBeLessThanOrEqual(1e-9 * squares + 1e-6)
    }),
    { numRuns: 20 },
  )
})

it('stays exact over a million values far from zero', () => {
  const values = Array.from(
    { length: 1_000_500 },
    (_, index) => 1e9 + Math.sin(index * 12.9898) * 0.5,
  )
  const { mean, squares } = exact(values)
  const slid = slideAll(values)
  expect(Math.abs(slid.mean - mean)).toBeLessThan(1e-5)
  expect(Math.abs(slid.squares / squares - 1)).toBeLessThan(1e-6)
})

it.each([
  { title: 'just before it leaves', after: 998 },
  { title: 'when it has left', after: 1_000 },
  { title: 'long after', after: 1_700 },
])('is not blinded by one huge value: $title', ({ after }) => {
  const calm = Array.from({ length: after }, (_, index) => 10 + (index % 2))
  const values = [1e15, ...calm]
  const { squares } = exact(values)
  expect(Math.abs(slideAll(values).squares / squares - 1)).toBeLessThan(1e-9)
})

it('has no variance for a constant series, however long', () => {
  expect(slideAll(Array.from({ length: 3_210 }, () => 0.1))).toEqual({ mean: 0.1, squares: 0 })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { additionError, compensatedTotal } from './compensated-sum.ts'

const totalOf = (values: readonly number[]): number => {
  let sum = 0
  let compensation = 0
  for (const value of values) {
    compensation += additionError(sum, value)
    sum += value
  }
  return compensatedTotal(sum, compensation)
}

it.each([
  { title: 'nothing', values: [], total: 0 },
  { title: 'what plain addition loses', values: [1e16, 1, -1e16], total: 1 },
  { title: 'a small value before a large one', values: [1, 1e100, 1, -1e100], total: 2 },
  { title: 'ten times a tenth', values: Array.from({ length: 10 }, () => 0.1), total: 1 },
  { title: 'an overflow', values: [1e308, 1e308, 1e308], total: Number.MAX_VALUE },
  { title: 'a negative overflow', values: [-1e308, -1e308, 5], total: -Number.MAX_VALUE },
])('sums $title', ({ values, total }) => {
  expect(totalOf(values)).toBe(total)
})

it('gives the exact sum of integers, whatever their order and size', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger(), { maxLength: 200 }), (values) => {
      const exact = values.reduce((sum, value) => sum + BigInt(value), 0n)
      expect(totalOf(values)).toBe(Number(exact) + 0)
    }),
  )
})

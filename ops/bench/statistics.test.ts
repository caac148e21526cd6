import { expect, it } from 'vitest'
import { median, quantile } from './statistics.ts'

it.each([
  { title: 'the middle of an odd number', values: [3, 1, 2], share: 0.5, is: 2 },
  { title: 'the lower middle of an even number', values: [4, 1, 3, 2], share: 0.5, is: 2 },
  { title: 'the 99th of a hundred', values: hundred(), share: 0.99, is: 99 },
  { title: 'the highest', values: hundred(), share: 1, is: 100 },
  { title: 'the lowest', values: hundred(), share: 0, is: 1 },
  { title: 'the only one', values: [7], share: 0.99, is: 7 },
])('finds $title', ({ values, share, is }) => {
  expect(quantile(values, share)).toBe(is)
})

it('knows nothing of nothing', () => {
  expect(median([])).toBeNaN()
})

function hundred(): number[] {
  return Array.from({ length: 100 }, (_, index) => 100 - index)
}

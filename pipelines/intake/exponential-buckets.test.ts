import { expect, it } from 'vitest'
import { boundText, cumulativeBuckets, MAX_BUCKETS } from './exponential-buckets.ts'

it.each([
  { title: 'at a power of two', end: 1, le: '2' },
  { title: 'within two powers', end: 0.25, le: '2' },
  { title: 'below one', end: -1.5, le: '0.5' },
  { title: 'where no double is smaller', end: -2_000, le: '5e-324' },
])('counts a bucket that ends $title, and what lies below it', ({ end, le }) => {
  expect(cumulativeBuckets([[end, 3]], 2)).toEqual([{ le, count: 5 }])
})

it('has no bound for what no double is larger than, and none for nothing', () => {
  expect(
    cumulativeBuckets(
      [
        [1_024, 3],
        [2, 0],
      ],
      0,
    ),
  ).toEqual([])
})

it('has the same bounds whatever the resolution', () => {
  const fine = [0.5, 1, 1.5, 2].map((end) => [end, 1] as const)
  const coarse = [1, 2].map((end) => [end, 2] as const)
  expect(cumulativeBuckets(fine, 0)).toEqual(cumulativeBuckets(coarse, 0))
})

it('leaves bounds out where there would be too many, and no observation', () => {
  const found = cumulativeBuckets(
    Array.from({ length: 600 }, (_, index) => [index - 300, 1] as const),
    0,
  )
  expect(found.length).toBeLessThanOrEqual(MAX_BUCKETS)
  expect(found.at(-1)?.count).toBe(600)
  for (const { le, count } of found) {
    expect(count).toBe(Math.min(600, Math.log2(Number(le)) + 301))
  }
})

it.each([
  { bound: 0.005, text: '0.005' },
  { bound: 10, text: '10' },
  { bound: 2 ** 80, text: '1208925819614629174706176' },
  { bound: 2 ** -60, text: '8.673617379884035e-19' },
])('a bound of $bound is written $text', ({ bound, text }) => {
  expect(boundText(bound)).toBe(text)
})

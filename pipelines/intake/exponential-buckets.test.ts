import { expect, it } from 'vitest'
import { boundText, cumulativeBuckets, MAX_BUCKETS } from './exponential-buckets.ts'

it.each([
  { scale: 0, index: -1, le: ['0.5', '1'] },
  { scale: 0, index: 0, le: ['1', '2'] },
  { scale: 3, index: 7, le: ['1', '2'] },
  { scale: 3, index: 8, le: ['2', '4'] },
  { scale: -2, index: 0, le: ['1', '16'] },
  { scale: -2, index: -1, le: ['0.0625', '1'] },
  { scale: 20, index: -(2 ** 21), le: ['0.25', '0.5'] },
])('bucket $index of scale $scale lies between $le', ({ scale, index, le }) => {
  const found = cumulativeBuckets({ scale, belowCount: 2, positive: [[index, 3]] })
  expect(found).toEqual([
    { le: le[0], count: 2 },
    { le: le[1], count: 5 },
  ])
})

it('has the same bounds whatever the resolution', () => {
  const fine = cumulativeBuckets({
    scale: 1,
    belowCount: 0,
    positive: [
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  })
  const coarse = cumulativeBuckets({
    scale: 0,
    belowCount: 0,
    positive: [
      [0, 2],
      [1, 2],
    ],
  })
  expect(fine).toEqual(coarse)
})

it('leaves bounds out where there would be too many, and no observation', () => {
  const positive = Array.from({ length: 600 }, (_, index) => [index - 300, 1] as const)
  const found = cumulativeBuckets({ scale: 0, belowCount: 0, positive })
  expect(found.length).toBeLessThanOrEqual(MAX_BUCKETS + 1)
  expect(found.at(-1)?.count).toBe(600)
  // Bucket i ends at 2 ** (i + 1): so many of the 600 lie at or below 2 ** power.
  for (const { le, count } of found) {
    expect(count).toBe(Math.min(600, Math.log2(Number(le)) + 300))
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

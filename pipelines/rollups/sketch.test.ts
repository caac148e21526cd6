import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSketch, encodeSketch } from './sketch-codec.ts'
import {
  addToSketch,
  emptySketch,
  MAX_BINS_PER_SIGN,
  mergeSketches,
  quantileOf,
  RELATIVE_ACCURACY,
  sketchCount,
  type QuantileSketch,
} from './sketch.ts'

const sketchOf = (values: readonly number[]): QuantileSketch => {
  const sketch = emptySketch()
  for (const value of values) addToSketch(sketch, value)
  return sketch
}

/** Bin limits are computed by logarithms: a value on the limit may land a rounding error outside. */
const WITHIN = RELATIVE_ACCURACY * (1 + 1e-9)
const value = fc.double({ noNaN: true, noDefaultInfinity: true })
const values = fc.array(value, { minLength: 1, maxLength: 200 })
/** Far more distinct bins than there is room for. */
const widelySpread = fc
  .array(fc.integer({ min: -700, max: 700 }), { minLength: 10, maxLength: 60 })
  .map((starts) =>
    starts.flatMap((start) =>
      Array.from({ length: 60 }, (_, step) => Math.exp(start + step * 0.05)),
    ),
  )

describe('quantiles', () => {
  it('are within 1 % of the true value, for any values and any q', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const sorted = list.toSorted((a, b) => a - b)
        const exact = sorted[Math.floor(q * (sorted.length - 1))]!
        const estimate = quantileOf(sketchOf(list), q)
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(
          Math.max(Math.abs(exact) * WITHIN, 2 ** -1022),
        )
      }),
    )
  })

  it.each([
    { title: 'the smallest', q: 0, quantile: -100 },
    { title: 'the median', q: 0.5, quantile: 0 },
    { title: 'the largest', q: 1, quantile: 1_000 },
  ])('give $title of negative, zero and positive values', ({ q, quantile }) => {
    const estimate = quantileOf(sketchOf([1_000, -100, 0, 0, -1]), q)
    expect(Math.abs(estimate - quantile)).toBeLessThanOrEqual(Math.abs(quantile) * WITHIN)
  })

  it.each([
    { title: 'an empty sketch', sketch: emptySketch(), q: 0.5 },
    { title: 'q below 0', sketch: sketchOf([1]), q: -0.1 },
    { title: 'q above 1', sketch: sketchOf([1]), q: 1.1 },
  ])('are not defined for $title', ({ sketch, q }) => {
    expect(quantileOf(sketch, q)).toBeNaN()
  })
})

describe('merging', () => {
  it('gives the sketch of all values together (Q1)', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(mergeSketches(sketchOf(a), sketchOf(b))).toEqual(sketchOf([...a, ...b]))
      }),
    )
  })

  it('does so where bins were collapsed, too (Q1, Q2)', () => {
    fc.assert(
      fc.property(widelySpread, widelySpread, (a, b) => {
        expect(mergeSketches(sketchOf(a), sketchOf(b))).toEqual(sketchOf([...b, ...a]))
      }),
      { numRuns: 8 },
    )
  })

  it('leaves what is merged alone', () => {
    const [a, b] = [sketchOf([1, -2]), sketchOf([3, 0])]
    mergeSketches(a, b)
    expect([a, b]).toEqual([sketchOf([1, -2]), sketchOf([3, 0])])
  })
})

it('bounds its bins and keeps the upper quantiles exact', () => {
  const list = Array.from({ length: 3_000 }, (_, step) => Math.exp(step * 0.04))
  const sketch = sketchOf(list)
  expect(sketch.positiveIndexes).toHaveLength(MAX_BINS_PER_SIGN)
  expect(sketchCount(sketch)).toBe(list.length)
  const exact = list[Math.floor(0.9 * (list.length - 1))]!
  expect(Math.abs(quantileOf(sketch, 0.9) / exact - 1)).toBeLessThanOrEqual(WITHIN)
})

describe('bytes', () => {
  it('come back as the same sketch', () => {
    fc.assert(
      fc.property(values, (list) => {
        const sketch = sketchOf(list)
        expect(decodeSketch(encodeSketch(sketch))).toEqual(sketch)
      }),
    )
  })

  it('are the same for the same values in any order', () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(encodeSketch(sketchOf(list))).toEqual(encodeSketch(sketchOf(list.toReversed())))
      }),
    )
  })

  it('hold counts beyond 2^32', () => {
    const sketch = { ...sketchOf([5]), positiveCounts: [2 ** 52 + 1], zeroCount: 2 ** 33 }
    expect(decodeSketch(encodeSketch(sketch))).toEqual(sketch)
  })

  it('are laid out as written', () => {
    // ln 1 = 0: bin 0. Two ones, one zero, one -1.
    expect([...encodeSketch(sketchOf([1, 1, 0, -1]))]).toEqual([1, 1, 1, 0, 1, 1, 0, 0])
  })

  it.each([
    { title: 'nothing', bytes: [], says: /layout undefined/ },
    { title: 'another layout', bytes: [9, 0, 0, 0], says: /layout 9/ },
    { title: 'an early end', bytes: [1, 0, 1, 0], says: /ends early/ },
    { title: 'more than a sketch', bytes: [1, 0, 0, 0, 0], says: /follow its end/ },
    { title: 'an endless number', bytes: [1, ...Array<number>(9).fill(255)], says: /too long/ },
  ])('are refused: $title', ({ bytes, says }) => {
    expect(() => decodeSketch(Uint8Array.from(bytes))).toThrow(says)
  })
})

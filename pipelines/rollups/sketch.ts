/**
 * A mergeable quantile sketch (DDSketch): any quantile of any number of values within 1 % of the
 * value, from a few hundred counters.
 *
 * Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
 * Guarantees", PVLDB 12(12), 2019. A positive value x is counted in the bin with the index
 * ceil(log_gamma x), gamma = (1 + a) / (1 - a); all values of a bin lie within a relative distance
 * `a` of its representative 2 gamma^i / (gamma + 1). With a = 0.01 a bin is 2 % wide: 10 and 10.1
 * share one. Negative values are counted by magnitude in bins of their own, zeros apart.
 *
 * Q1: merge(a, b) is the sketch of a's and b's values together, bin for bin.
 * Q2: at most 2,048 bins per sign. Beyond that the smallest magnitudes share the lowest bin kept and
 *     lose their guarantee; a span of 1 to 1e17 fits without. What is kept depends on the set of
 *     values only, not on their order, so Q1 holds for collapsed sketches too.
 *
 * The shape is plain data that Avro knows, since it is the state of open windows. Indexes ascend;
 * a window of a dozen points holds a dozen bins, so sorted lists beat dense arrays here.
 */

import type { AvroSchema } from '../../schemas/topic.ts'

export interface QuantileSketch {
  zeroCount: number
  positiveIndexes: number[]
  positiveCounts: number[]
  /** Bins of negative values, by magnitude. */
  negativeIndexes: number[]
  negativeCounts: number[]
}

export const RELATIVE_ACCURACY = 0.01
export const MAX_BINS_PER_SIGN = 2_048

const GAMMA = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
const LOG_GAMMA = Math.log(GAMMA)
/** Smaller magnitudes are subnormal doubles, where relative accuracy ends anyway: counted as zero. */
const SMALLEST_MAGNITUDE = 2 ** -1022

const list = (items: string): AvroSchema => ({ type: 'array', items })

export const quantileSketchSchema: AvroSchema = {
  type: 'record',
  name: 'QuantileSketch',
  namespace: 'millrace.state',
  fields: [
    { name: 'zeroCount', type: 'long' },
    { name: 'positiveIndexes', type: list('int') },
    { name: 'positiveCounts', type: list('long') },
    { name: 'negativeIndexes', type: list('int') },
    { name: 'negativeCounts', type: list('long') },
  ],
}

export const emptySketch = (): QuantileSketch => ({
  zeroCount: 0,
  positiveIndexes: [],
  positiveCounts: [],
  negativeIndexes: [],
  negativeCounts: [],
})

/** Adds a finite value, in place. */
export const addToSketch = (sketch: QuantileSketch, value: number): void => {
  const magnitude = Math.abs(value)
  if (magnitude < SMALLEST_MAGNITUDE) {
    sketch.zeroCount += 1
  } else if (value > 0) {
    addToBins(sketch.positiveIndexes, sketch.positiveCounts, binIndex(magnitude), 1)
  } else {
    addToBins(sketch.negativeIndexes, sketch.negativeCounts, binIndex(magnitude), 1)
  }
}

/** The sketch of both sketches' values (Q1). */
export const mergeSketches = (a: QuantileSketch, b: QuantileSketch): QuantileSketch => {
  const merged = {
    zeroCount: a.zeroCount + b.zeroCount,
    positiveIndexes: [...a.positiveIndexes],
    positiveCounts: [...a.positiveCounts],
    negativeIndexes: [...a.negativeIndexes],
    negativeCounts: [...a.negativeCounts],
  }
  addAllBins(merged.positiveIndexes, merged.positiveCounts, b.positiveIndexes, b.positiveCounts)
  addAllBins(merged.negativeIndexes, merged.negativeCounts, b.negativeIndexes, b.negativeCounts)
  return merged
}

export const sketchCount = (sketch: QuantileSketch): number =>
  sketch.zeroCount + sumOf(sketch.positiveCounts) + sumOf(sketch.negativeCounts)

/**
 * The `q`-quantile: the representative of the value of rank floor(q (count - 1)), counted from 0 in
 * ascending order (the paper's definition; q = 0 is the smallest value, 1 the largest). NaN when
 * the sketch is empty. Whoever knows the smallest and largest value may clamp to them.
 */
export const quantileOf = (sketch: QuantileSketch, q: number): number => {
  const count = sketchCount(sketch)
  if (count === 0 || !(q >= 0 && q <= 1)) return Number.NaN
  let left = Math.floor(q * (count - 1))
  // Ascending: negatives from the largest magnitude down, zeros, positives upwards.
  for (let bin = sketch.negativeIndexes.length - 1; bin >= 0; bin--) {
    left -= sketch.negativeCounts[bin]!
    if (left < 0) return -representative(sketch.negativeIndexes[bin]!)
  }
  left -= sketch.zeroCount
  if (left < 0) return 0
  for (let bin = 0; bin < sketch.positiveIndexes.length; bin++) {
    left -= sketch.positiveCounts[bin]!
    if (left < 0) return representative(sketch.positiveIndexes[bin]!)
  }
  return Number.NaN
}

const binIndex = (magnitude: number): number => Math.ceil(Math.log(magnitude) / LOG_GAMMA)

/** 2 gamma^i / (gamma + 1), kept inside the range of doubles at its upper edge. */
const representative = (index: number): number =>
  Math.min((2 / (GAMMA + 1)) * Math.exp(index * LOG_GAMMA), Number.MAX_VALUE)

const addToBins = (indexes: number[], counts: number[], index: number, count: number): void => {
  const position = lowerBound(indexes, index)
  if (indexes[position] === index) {
    counts[position]! += count
    return
  }
  if (indexes.length >= MAX_BINS_PER_SIGN) {
    // Q2: below the lowest bin kept there is no room; above it, the lowest two become one.
    if (position === 0) {
      counts[0]! += count
      return
    }
    if (position === 1) {
      indexes[0] = index
      counts[0]! += count
      return
    }
    counts[1]! += counts[0]!
    indexes.copyWithin(0, 1, position)
    counts.copyWithin(0, 1, position)
    indexes[position - 1] = index
    counts[position - 1] = count
    return
  }
  indexes.splice(position, 0, index)
  counts.splice(position, 0, count)
}

const addAllBins = (
  indexes: number[],
  counts: number[],
  otherIndexes: readonly number[],
  otherCounts: readonly number[],
): void => {
  otherIndexes.forEach((index, position) => {
    addToBins(indexes, counts, index, otherCounts[position]!)
  })
}

/** First position whose index is not below `index`. */
const lowerBound = (indexes: readonly number[], index: number): number => {
  let low = 0
  let high = indexes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (indexes[middle]! < index) low = middle + 1
    else high = middle
  }
  return low
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

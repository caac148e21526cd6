/**
 * How many standard deviations a value is from the mean of the last 1,000 samples.
 *
 *   z = (value - mean) / stddev        stddev with n - 1
 *
 * Alarms: |z| > 2.5 medium, > 3 high, > 4 critical. Worked example: mean 108.38, standard deviation
 * 5.744, value 1500 gives z = 242.29.
 *
 * Z1 (learning): a value within 2.4 times the band is learned as it is: with the default band, up
 *    to 6 standard deviations. One farther out is learned as if it stood there. So a spike of any
 *    height moves the baseline no more than a value at 6 deviations, and a lasting new level still
 *    wins: in a window of n samples each such point adds some 36 / n to the variance, relative to
 *    what it was.
 * Z2 (constant series): a standard deviation of 0, or below what rounding explains, gives no scale.
 *    Then 1 % of the mean stands in for it. A series that has been 0 all along has not even that:
 *    its first other value counts as 3 deviations, which is medium and not more.
 */

import type { Detector, Judgement, Memory, Thresholds } from '../detector.ts'
import { MAX_SCORE, NOT_JUDGED } from '../detector.ts'
import { plainNumber } from '../number-words.ts'
import { slide, WINDOW_SAMPLES } from './sliding-moments.ts'

const LEARNED_BAND_WIDTHS = 2.4
const ROUNDING_SHARE = 1e-9
const CONSTANT_SPREAD_SHARE = 0.01
const FIRST_CHANGE_FROM_ZERO = 3

/** `zSince`: the ring's total when learning began. */
export const deviationFields = { zSince: 0, zMean: 0, zSquares: 0 }
export type DeviationField = keyof typeof deviationFields

const samplesOf = ({ series, recent }: Memory<DeviationField>): number =>
  Math.min(recent.total - series.zSince, WINDOW_SAMPLES)

const moments = { mean: 0, squares: 0 }

/** A detector that counts standard deviations. */
export const deviationDetector = (identity: {
  readonly name: string
  readonly version: number
  readonly code: number
  readonly thresholds: Thresholds
}): Detector<DeviationField> => ({
  ...identity,
  direction: 'both',
  scaled: (threshold, sensitivity) => threshold / sensitivity,
  samples: samplesOf,

  measure(memory, judgement, { alertScore }) {
    const samples = samplesOf(memory)
    const mean = memory.series.zMean
    const deviation = Math.sqrt(memory.series.zSquares / (samples - 1))
    const change = judgement.value - mean
    judgement.expected = mean
    judgement.side = change < 0 ? -1 : 1
    judgement.constant = deviation <= ROUNDING_SHARE * Math.abs(mean)
    judgement.spread = judgement.constant ? CONSTANT_SPREAD_SHARE * Math.abs(mean) : deviation
    judgement.score = change === 0 ? 0 : Math.min(Math.abs(change) / judgement.spread, MAX_SCORE)
    if (judgement.spread === 0 && change !== 0) judgement.score = FIRST_CHANGE_FROM_ZERO
    judgement.lower = mean - alertScore * judgement.spread
    judgement.upper = mean + alertScore * judgement.spread
    return true
  },

  learn(memory, judgement) {
    const { series, recent } = memory
    moments.mean = series.zMean
    moments.squares = series.zSquares
    slide(moments, recent, learnable(judgement), samplesOf(memory))
    series.zMean = moments.mean
    series.zSquares = moments.squares
  },

  forget({ series, recent }) {
    series.zSince = recent.total
    series.zMean = 0
    series.zSquares = 0
  },

  evidence({ value, expected, spread, score, samples, side, constant }) {
    return [
      { name: 'mean', value: expected, unit: null, detail: 'mean of the last samples' },
      {
        name: 'stddev',
        value: spread,
        unit: null,
        detail: constant
          ? 'the series was constant: 1 % of the mean stands in'
          : 'standard deviation of the last samples (n - 1)',
      },
      { name: 'samples', value: samples, unit: null, detail: 'samples learned, at most 1,000' },
      { name: 'zscore', value: side * score, unit: null, detail: '(value - mean) / stddev' },
      ...(expected === 0
        ? []
        : [
            {
              name: 'deviationPercent',
              value: (100 * (value - expected)) / Math.abs(expected),
              unit: '%',
              detail: 'change relative to the mean',
            },
          ]),
    ]
  },

  comparison({ score, side, constant }) {
    const where = side > 0 ? 'above' : 'below'
    if (constant) return `${where} the value it has had all along,`
    return `${plainNumber(score)} standard deviations ${where} its usual`
  },
})

/** The value, or the point towards it that Z1 allows. */
const learnable = ({ value, expected, lower, upper, rank }: Judgement): number => {
  if (rank === NOT_JUDGED) return value
  const reach = (LEARNED_BAND_WIDTHS * (upper - lower)) / 2
  // No band at all (constantly 0): nothing to measure a part of the way by.
  if (reach === 0) return value
  return Math.min(Math.max(value, expected - reach), expected + reach)
}

export const zscore = deviationDetector({
  name: 'zscore',
  version: 1,
  code: 1,
  thresholds: [Number.POSITIVE_INFINITY, 2.5, 3, 4],
})

/**
 * How many times its usual value a series has: made for latencies and other positive quantities
 * that grow by factors.
 *
 *   baseline' = baseline + w (value - baseline)     w = 0.05, in the beginning 1 / samples
 *   ratio     = value / baseline                    downwards: baseline / value
 *
 * Alarms: ratio > 3 medium, > 5 high; never critical unless configured. Worked example: /payment
 * usually takes 180 ms; 600 ms is 3.33 times that: medium.
 *
 * E1 (learning): a value outside the band is learned as if it stood at its edge, and with a tenth
 *    of the weight: a spike leaves no trace, a lasting level of r times the baseline is the new
 *    usual after about ln(r / 3) / 0.01 points.
 * E2 (sensitivity): it scales how far a threshold is from 1: sensitivity 2 alarms at twice the
 *    baseline.
 * E3 (domain): a baseline that is not positive has no ratio: no verdict.
 */

import type { Detector, Judgement } from '../detector.ts'
import { MAX_SCORE, NOT_JUDGED } from '../detector.ts'
import { plainNumber } from '../number-words.ts'

const WEIGHT = 0.05
const WEIGHT_OUTSIDE = WEIGHT / 10

export const ewmaRatioFields = { eSamples: 0, eMean: 0, eVariance: 0 }
export type EwmaRatioField = keyof typeof ewmaRatioFields

const isOutside = ({ value, lower, upper, rank }: Judgement): boolean =>
  rank !== NOT_JUDGED && (value < lower || value > upper)

export const ewmaRatio: Detector<EwmaRatioField> = {
  name: 'ewma-ratio',
  version: 1,
  code: 2,
  thresholds: [Number.POSITIVE_INFINITY, 3, 5, Number.POSITIVE_INFINITY],
  direction: 'up',
  scaled: (threshold, sensitivity) => 1 + (threshold - 1) / sensitivity,
  samples: ({ series }) => series.eSamples,

  measure({ series }, judgement, { alertScore }) {
    const baseline = series.eMean
    if (!(baseline > 0)) return false // E3
    const { value } = judgement
    const isAbove = value >= baseline
    judgement.expected = baseline
    judgement.spread = Math.sqrt(series.eVariance)
    judgement.side = isAbove ? 1 : -1
    judgement.constant = false
    judgement.score = Math.min(ratioOf(value, baseline), MAX_SCORE)
    judgement.lower = baseline / alertScore
    judgement.upper = baseline * alertScore
    return true
  },

  learn({ series }, judgement) {
    const outside = isOutside(judgement)
    const { value, lower, upper } = judgement
    const learned = outside ? Math.min(Math.max(value, lower), upper) : value // E1
    const samples = series.eSamples + 1
    const weight = outside ? WEIGHT_OUTSIDE : Math.max(WEIGHT, 1 / samples)
    const change = learned - series.eMean
    series.eMean += weight * change
    series.eVariance = (1 - weight) * (series.eVariance + weight * change * change)
    series.eSamples = samples
  },

  forget({ series }) {
    series.eSamples = 0
    series.eMean = 0
    series.eVariance = 0
  },

  evidence: ({ value, expected, spread, score, samples }) => [
    {
      name: 'baseline',
      value: expected,
      unit: null,
      detail: 'exponentially weighted mean, weight 0.05',
    },
    {
      name: 'stddev',
      value: spread,
      unit: null,
      detail: 'exponentially weighted standard deviation',
    },
    { name: 'samples', value: samples, unit: null, detail: 'samples learned' },
    {
      name: 'ratio',
      value: score,
      unit: null,
      detail: 'value / baseline, downwards baseline / value',
    },
    {
      name: 'deviationPercent',
      value: (100 * (value - expected)) / expected,
      unit: '%',
      detail: 'change relative to the baseline',
    },
  ],

  comparison: ({ score, side }) =>
    side > 0
      ? `${plainNumber(score)} times its usual`
      : `only 1/${plainNumber(score)} of its usual`,
}

const ratioOf = (value: number, baseline: number): number => {
  if (value >= baseline) return value / baseline
  return value > 0 ? baseline / value : MAX_SCORE
}

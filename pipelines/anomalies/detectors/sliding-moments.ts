/**
 * Mean and variance of the last samples of a ring, kept up to date in constant time.
 *
 * A sample enters by Welford's update, or replaces the oldest one by its two-sided form:
 *   mean' = mean + (x - o) / n
 *   S'    = S + (x - o) (x - mean' + o - mean)         S: sum of squared deviations from the mean
 * (Welford, Technometrics 4(3), 1962; Chan, Golub, LeVeque, "Algorithms for Computing the Sample
 * Variance", The American Statistician 37(3), 1983.) Rounding errors would add up over millions of
 * samples, so both are computed afresh from the samples each time the ring has gone round, and at
 * once when a sample leaves that made up nearly all of S.
 *
 * S1: the result is a function of the numbers kept (mean, squares, ring), so it is the same after a
 *     restart at any point.
 */

import type { Ring } from '../../runtime/index.ts'

export interface Moments {
  mean: number
  /** Sum of squared deviations from the mean. */
  squares: number
}

export const WINDOW_SAMPLES = 1_000
/** Below this share of its former value, S is mostly rounding error. */
const LOST_PRECISION = 1e-6

/**
 * Adds `value` to the ring and to the moments of its newest `count` samples, and keeps 1,000 of
 * them. (Plain parameters: called for every point.)
 */
export const slide = (moments: Moments, recent: Ring, value: number, count: number): void => {
  const { mean, squares } = moments
  if (count < WINDOW_SAMPLES) {
    recent.push(value)
    const change = value - mean
    moments.mean = mean + change / (count + 1)
    moments.squares = squares + change * (value - moments.mean)
    if (recent.total % WINDOW_SAMPLES === 0) computeAfresh(moments, recent, count + 1)
    return
  }
  const oldest = recent.at(recent.length - count)
  recent.push(value)
  moments.mean = mean + (value - oldest) / count
  moments.squares = squares + (value - oldest) * (value - moments.mean + oldest - mean)
  const wrapped = recent.total % WINDOW_SAMPLES === 0
  if (wrapped || moments.squares < squares * LOST_PRECISION) computeAfresh(moments, recent, count)
}

/** Two passes over the newest `count` samples. */
const computeAfresh = (moments: Moments, recent: Ring, count: number): void => {
  const first = recent.length - count
  let sum = 0
  for (let index = first; index < recent.length; index++) sum += recent.at(index)
  const mean = sum / count
  let squares = 0
  let rest = 0
  for (let index = first; index < recent.length; index++) {
    const change = recent.at(index) - mean
    squares += change * change
    rest += change
  }
  // The mean's own rounding error, taken out again (Chan et al., equation 1.7).
  moments.mean = mean + rest / count
  moments.squares = Math.max(0, squares - (rest * rest) / count)
}

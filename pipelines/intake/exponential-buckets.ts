/**
 * Exponential histograms as the buckets of a classic one, which whatever reads Prometheus knows.
 *
 * H1: every bucket is cumulative and its bound is one that the histogram has, so its count is exact:
 *     leaving bounds out loses resolution, never an observation.
 * H2: bounds are powers of two, at which buckets of every scale end, and only those between the first
 *     and the last observation. They do not move when resolution does.
 * H3: at most MAX_BUCKETS of them. Beyond that every second power is left out, every third, and so on.
 * H4: negative observations and those of the zero bucket lie below all bounds, and are counted in each.
 */

export interface ExponentialHistogram {
  /** Bucket i ends at 2 ** ((i + 1) / 2 ** scale). */
  readonly scale: number
  /** Of the zero bucket and of all negative ones together. */
  readonly belowCount: number
  /** Index and count of the positive buckets, by rising index. */
  readonly positive: readonly (readonly [index: number, count: number])[]
}

export interface CumulativeBucket {
  /** As Prometheus writes bounds: `0.25`, `1024`. */
  readonly le: string
  readonly count: number
}

export const MAX_BUCKETS = 48

/** By rising bound, without +Inf, which is the count of all. */
export const cumulativeBuckets = (histogram: ExponentialHistogram): CumulativeBucket[] => {
  const { scale, belowCount, positive } = histogram
  const perPower = 2 ** scale
  const observed = positive.filter(([, count]) => count > 0)
  const first = observed[0]
  const last = observed.at(-1)
  if (first === undefined || last === undefined) return []
  const lowest = Math.floor(first[0] / perPower)
  const highest = Math.ceil((last[0] + 1) / perPower)
  // Where the scale is negative not every power of two is a bound.
  const native = Math.max(1, 1 / perPower)
  const powers = (highest - lowest) / native + 1
  const step = native * Math.max(1, Math.ceil(powers / MAX_BUCKETS))
  const buckets: CumulativeBucket[] = []
  let count = belowCount
  let next = 0
  for (let power = Math.ceil(lowest / step) * step; ; power += step) {
    while (next < observed.length && (observed[next]![0] + 1) / perPower <= power) {
      count += observed[next]![1]
      next += 1
    }
    buckets.push({ le: boundText(2 ** power), count })
    if (power >= highest) return buckets
  }
}

/** Without exponent, as Prometheus translates OTLP's bounds: series of both senders then meet. */
export const boundText = (bound: number): string => {
  const text = String(bound)
  if (!text.includes('e')) return text
  return bound >= 1 ? BigInt(bound).toString() : text
}

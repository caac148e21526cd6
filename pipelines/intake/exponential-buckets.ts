/**
 * Exponential histograms as the buckets of a classic one, which whatever reads Prometheus knows: those of
 * OpenTelemetry and the native ones of Prometheus.
 *
 * H1: every bucket is cumulative and its bound is one that the histogram has, so its count is exact:
 *     leaving bounds out loses resolution, never an observation.
 * H2: bounds are powers of two, at which buckets of every scale end, and only those below which
 *     something was observed first. They do not move when resolution does.
 * H3: at most MAX_BUCKETS of them. Beyond that every second power is left out, every third, and so on.
 * H4: negative observations and those of the zero bucket lie below all bounds, and are counted in each.
 */

export interface CumulativeBucket {
  /** As Prometheus writes bounds: `0.25`, `1024`. */
  readonly le: string
  readonly count: number
}

export const MAX_BUCKETS = 48

const MIN_EXPONENT = -1074
const MAX_EXPONENT = 1023

/**
 * By rising bound, without +Inf, which is the count of all.
 *
 * @param positive the binary logarithm of the end of each positive bucket, and its count
 * @param belowCount of the zero bucket and of all negative ones together
 */
export const cumulativeBuckets = (
  positive: Iterable<readonly [endExponent: number, count: number]>,
  belowCount: number,
): CumulativeBucket[] => {
  const byExponent = new Map<number, number>()
  for (const [endExponent, count] of positive) {
    if (count === 0) continue
    const exponent = Math.max(MIN_EXPONENT, Math.ceil(endExponent))
    if (exponent <= MAX_EXPONENT) byExponent.set(exponent, (byExponent.get(exponent) ?? 0) + count)
  }
  let cumulative = belowCount
  return thinnedOut([...byExponent].sort(([a], [b]) => a - b)).map(([exponent, count]) => {
    cumulative += count
    return { le: boundText(2 ** exponent), count: cumulative }
  })
}

/** H3: into the powers that are multiples of the smallest step with which there are few enough. */
const thinnedOut = (byExponent: readonly (readonly [exponent: number, count: number])[]) => {
  for (let step = 1; ; step++) {
    const kept = new Map<number, number>()
    for (const [exponent, count] of byExponent) {
      const multiple = Math.ceil(exponent / step) * step
      if (multiple <= MAX_EXPONENT) kept.set(multiple, (kept.get(multiple) ?? 0) + count)
    }
    if (kept.size <= MAX_BUCKETS) return [...kept]
  }
}

/** Without exponent where it is large, as Prometheus translates OTLP's bounds: series of both senders then meet. */
export const boundText = (bound: number): string => {
  const text = String(bound)
  return text.includes('e') && Number.isInteger(bound) ? BigInt(bound).toString() : text
}

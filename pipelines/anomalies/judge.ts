/**
 * The verdict on one value: what the detector measured, held against the rule.
 *
 * J1: a value is anomalous when its score passes a threshold (strictly), on a side that the rule
 *     watches, and its change is at least the minimum change.
 * J2: the band of a judgement is exactly that: with direction `both`, values inside it are normal
 *     and values outside anomalous. (With `up` or `down` the other edge is what it would be.)
 */

import type { AnyDetector, MemoryField } from './detectors.ts'
import { NORMAL, NOT_JUDGED, type Judgement, type Memory } from './detector.ts'
import type { Rule } from './settings.ts'

/** Squares of larger magnitudes are no numbers any more; they are judged as this. */
const MAX_MAGNITUDE = 1e150

/** Fills the judgement of `value` from what was learned before it (D1). */
export const judge = (
  memory: Memory<MemoryField>,
  value: number,
  rule: Rule & { readonly detector: AnyDetector },
  judgement: Judgement,
): void => {
  const { detector } = rule
  judgement.value = Math.min(Math.max(value, -MAX_MAGNITUDE), MAX_MAGNITUDE)
  judgement.rank = NOT_JUDGED
  judgement.samples = detector.samples(memory)
  if (judgement.samples < rule.minSamples) return
  if (!detector.measure(memory, judgement, rule)) return
  const minChange = Math.max(
    rule.minAbsoluteChange,
    rule.minRelativeChange * Math.abs(judgement.expected),
  )
  judgement.lower = Math.min(judgement.lower, judgement.expected - minChange)
  judgement.upper = Math.max(judgement.upper, judgement.expected + minChange)
  judgement.rank = isOfInterest(judgement, rule, minChange) ? rankOf(judgement.score, rule) : NORMAL
}

const isOfInterest = (judgement: Judgement, { direction }: Rule, minChange: number): boolean => {
  if (direction === 'up' && judgement.side < 0) return false
  if (direction === 'down' && judgement.side > 0) return false
  return Math.abs(judgement.value - judgement.expected) >= minChange
}

const rankOf = (score: number, { thresholds }: Rule): number => {
  for (let rank = thresholds.length - 1; rank >= 0; rank--) {
    if (score > thresholds[rank]!) return rank
  }
  return NORMAL
}

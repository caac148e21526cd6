/** An anomaly in one sentence. Numbers are rounded for reading; the exact ones are in the record. */

import type { SeriesIdentity } from '../../schemas/series-key.ts'
import type { Direction, Judgement } from './detector.ts'
import type { AnyDetector } from './detectors.ts'
import type { EndReason, EpisodeRow } from './episode.ts'
import { subjectWords, valueWords } from './metric-words.ts'
import { durationWords } from './number-words.ts'

interface Band {
  readonly value: number
  readonly expected: number
  readonly lower: number
  readonly upper: number
}

/**
 * `cpu utilization of host web-1 is 93.1 %, 4.2 standard deviations above its usual 41 % (normal
 * range 28.6 to 53.4)`.
 */
export const raisedMessage = (
  identity: SeriesIdentity,
  raised: {
    readonly judgement: Judgement
    readonly detector: AnyDetector
    readonly rule: { readonly direction: Direction }
  },
): string => {
  const { judgement, detector, rule } = raised
  const { bare, full } = wordsFor(identity.name, judgement)
  const { value, expected } = judgement
  const comparison = detector.comparison(judgement)
  const range = rangeWords(judgement, rule.direction, bare)
  return `${subjectWords(identity)} is ${full(value)}, ${comparison} ${full(expected)} (${range})`
}

/** How an episode ended, and how far it went. */
export const closedMessage = (
  identity: SeriesIdentity,
  closed: {
    readonly reason: EndReason
    readonly row: EpisodeRow & { readonly lastValue: number }
    readonly peakLower: number
    readonly timestamp: number
    readonly end: number
  },
): string => {
  const { row, peakLower, reason, timestamp, end } = closed
  const peak: Band = {
    value: row.epPeakValue,
    expected: row.epPeakExpected,
    lower: peakLower,
    upper: row.epPeakUpper,
  }
  const { bare, full } = wordsFor(identity.name, peak)
  const subject = subjectWords(identity)
  const lasted = durationWords(end - row.epStart)
  const extreme = `its most extreme value was ${full(peak.value)} (${rangeWords(peak, 'both', bare)})`
  switch (reason) {
    case 'recovered':
      return `${subject} is back to normal at ${full(row.lastValue)} after ${lasted}; ${extreme}`
    case 'no-data':
      return `${subject} has sent no data for ${durationWords(timestamp - end)}; its last value was ${full(row.lastValue)} and ${extreme}`
    case 'new-level':
      return `${subject} has stayed out of its range for ${lasted} (${row.epPoints} points): ${full(row.lastValue)} is taken as its new level; ${extreme}`
    case 'reconfigured':
      return `${subject} is watched by another detector from now on; ${extreme}`
  }
}

/**
 * As many decimals as it takes to tell apart what the sentence compares: the value and what was
 * expected, both edges of the range, and (to one digit less) the value and the edge it passed.
 */
const wordsFor = (name: string, { value, expected, lower, upper }: Band) => {
  const pastEdge = Math.min(Math.abs(value - lower), Math.abs(value - upper))
  const distances = [Math.abs(value - expected), upper - lower, 10 * pastEdge]
  const distance = Math.min(...distances.filter((each) => each > 0))
  return valueWords(name, { largest: Math.max(Math.abs(value), Math.abs(expected)), distance })
}

const rangeWords = (band: Band, direction: Direction, write: (value: number) => string): string => {
  switch (direction) {
    case 'up':
      return `normal up to ${write(band.upper)}`
    case 'down':
      return `normal from ${write(band.lower)}`
    case 'both':
      return `normal range ${write(band.lower)} to ${write(band.upper)}`
  }
}

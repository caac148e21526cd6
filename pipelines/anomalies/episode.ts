/**
 * Episodes: what makes one anomaly out of many anomalous points.
 *
 * P1: an episode opens at the first anomalous point, and holds until `recoverySamples` calm points
 *     have come since the last anomalous one, and `holdMs` have passed. Calm is a point in the inner
 *     80 % of its band: one that sits on the edge neither prolongs an episode nor ends it.
 * P2: it also ends when no point comes (`no-data`), when so many of its points lay on one side that
 *     the level is the new normal (`new-level`), or when another detector takes over
 *     (`reconfigured`).
 * P3: it is told again when it gets clearly worse: a higher severity, or at least twice the score
 *     last told. Ten revisions at most, the last one kept for the end.
 * P4: one state machine over numbers in the row, so a restart at any point changes nothing.
 */

import { NOT_JUDGED, type Judgement } from './detector.ts'

export const MAX_REVISIONS = 10
const CLEARLY_WORSE = 2
const CALM_SHARE = 0.8

/** `epStart` NaN: no episode. */
export const episodeFields = {
  epStart: Number.NaN,
  epRevision: 0,
  epSeverity: 0,
  epToldScore: 0,
  epSide: 0,
  epSidePoints: 0,
  epPoints: 0,
  epLastMs: 0,
  epNoDataMs: 0,
  epCalmPoints: 0,
  epCalmMs: 0,
  epPeakMs: 0,
  epPeakValue: 0,
  epPeakScore: 0,
  epPeakExpected: 0,
  epPeakLower: 0,
  epPeakUpper: 0,
}
export type EpisodeRow = Record<keyof typeof episodeFields, number>

export type EndReason = 'recovered' | 'no-data' | 'new-level' | 'reconfigured'

/** What is to be told after a point. */
export type EpisodeStep =
  'nothing' | 'open' | 'peak' | Exclude<EndReason, 'no-data' | 'reconfigured'>

export interface EpisodeSettings {
  readonly recoverySamples: number
  readonly holdMs: number
  readonly newLevelSamples: number
}

export const isOpen = (row: EpisodeRow): boolean => !Number.isNaN(row.epStart)

/** Takes the verdict on a point into the episode of its series. */
export const stepEpisode = (
  row: EpisodeRow,
  point: { readonly timestamp: number; readonly judgement: Judgement },
  settings: EpisodeSettings,
): EpisodeStep => {
  const isAnomalous = point.judgement.rank >= 0
  if (!isOpen(row)) {
    if (!isAnomalous) return 'nothing'
    open(row, point)
    return 'open'
  }
  if (!isAnomalous) {
    return isCalm(point.judgement) ? stepCalm(row, point.timestamp, settings) : 'nothing'
  }
  return stepAnomalous(row, point, settings)
}

export const closeEpisode = (row: EpisodeRow): void => {
  row.epStart = Number.NaN
}

const open = (
  row: EpisodeRow,
  { timestamp, judgement }: { timestamp: number; judgement: Judgement },
): void => {
  row.epStart = timestamp
  row.epRevision = 1
  row.epSeverity = judgement.rank
  row.epToldScore = judgement.score
  row.epSide = judgement.side
  row.epSidePoints = 1
  row.epPoints = 1
  row.epLastMs = timestamp
  row.epCalmPoints = 0
  takePeak(row, timestamp, judgement)
}

const isCalm = ({ value, expected, lower, upper, rank }: Judgement): boolean => {
  if (rank === NOT_JUDGED) return true
  const edge = value < expected ? lower : upper
  const isBeyond = Math.abs(value - expected) > Math.abs(edge - expected)
  // Outside the band and yet normal: the rule does not watch that side.
  return isBeyond || Math.abs(value - expected) <= CALM_SHARE * Math.abs(edge - expected)
}

const stepCalm = (row: EpisodeRow, timestamp: number, settings: EpisodeSettings): EpisodeStep => {
  row.epCalmPoints += 1
  if (row.epCalmPoints === 1) row.epCalmMs = timestamp
  const isOver =
    row.epCalmPoints >= settings.recoverySamples && timestamp - row.epLastMs >= settings.holdMs
  if (!isOver) return 'nothing'
  row.epRevision += 1
  return 'recovered'
}

const stepAnomalous = (
  row: EpisodeRow,
  { timestamp, judgement }: { timestamp: number; judgement: Judgement },
  settings: EpisodeSettings,
): EpisodeStep => {
  row.epLastMs = timestamp
  row.epCalmPoints = 0
  row.epPoints += 1
  row.epSidePoints = judgement.side === row.epSide ? row.epSidePoints + 1 : 1
  row.epSide = judgement.side
  if (isFartherOut(row, judgement)) takePeak(row, timestamp, judgement)
  const isWorse =
    judgement.rank > row.epSeverity || judgement.score >= CLEARLY_WORSE * row.epToldScore
  row.epSeverity = Math.max(row.epSeverity, judgement.rank)
  if (row.epSidePoints >= settings.newLevelSamples) {
    row.epRevision += 1
    return 'new-level'
  }
  if (!isWorse || row.epRevision >= MAX_REVISIONS - 1) return 'nothing'
  row.epRevision += 1
  row.epToldScore = Math.max(row.epToldScore, judgement.score)
  return 'peak'
}

/** By score; scores have a cap, above which the distance tells. */
const isFartherOut = (row: EpisodeRow, { score, value, expected }: Judgement): boolean =>
  score === row.epPeakScore
    ? Math.abs(value - expected) > Math.abs(row.epPeakValue - row.epPeakExpected)
    : score > row.epPeakScore

const takePeak = (row: EpisodeRow, timestamp: number, judgement: Judgement): void => {
  row.epPeakMs = timestamp
  row.epPeakValue = judgement.value
  row.epPeakScore = judgement.score
  row.epPeakExpected = judgement.expected
  row.epPeakLower = judgement.lower
  row.epPeakUpper = judgement.upper
}

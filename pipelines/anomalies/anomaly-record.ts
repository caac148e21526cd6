/** From a verdict, or from the end of an episode, to the record that tells of it. */

import { createHash } from 'node:crypto'
import type { Anomaly, Evidence } from '../../schemas/generated/signals-anomalies.ts'
import { parseSeriesKey, seriesId, type SeriesIdentity } from '../../schemas/series-key.ts'
import { KEY_SEPARATOR } from '../../schemas/topic.ts'
import { SEVERITIES, type Judgement } from './detector.ts'
import type { AnyDetector } from './detectors.ts'
import type { EndReason } from './episode.ts'
import { closedMessage, raisedMessage } from './messages.ts'
import { serviceOf } from './metric-words.ts'
import type { SeriesRow } from './series-state.ts'
import { shownLower } from './shown-band.ts'
import type { RejectedEntry } from './settings-table.ts'
import type { Rule, RuleSet } from './settings.ts'

/** Whose record it is, and under which rules it came about. */
export interface RecordScope {
  readonly key: string
  readonly row: SeriesRow
  readonly detector: AnyDetector
  readonly ruleSet: RuleSet
  readonly rejected: RejectedEntry | undefined
}

/** A revision that raises the episode: its begin, or a new peak. */
export const raisedAnomaly = (
  scope: RecordScope,
  raised: {
    readonly phase: 'open' | 'peak'
    readonly timestamp: number
    readonly judgement: Judgement
    readonly rule: Rule
  },
): Anomaly => {
  const { rule, phase, timestamp } = raised
  const judgement = { ...raised.judgement, lower: shownLower(scope.row, raised.judgement) }
  const identity = parseSeriesKey(scope.key)
  return {
    ...commonFields(scope, identity),
    phase,
    timestamp,
    end: null,
    value: judgement.value,
    expected: judgement.expected,
    lower: finite(judgement.lower),
    upper: finite(judgement.upper),
    score: judgement.score,
    severity: SEVERITIES[judgement.rank]!,
    evidence: [
      ...scope.detector.evidence(judgement),
      ...ruleEvidence(judgement, rule),
      ...rejectedEvidence(scope),
    ],
    message: raisedMessage(identity, { judgement, rule, detector: scope.detector }),
  }
}

/** The last revision: value at the end, and the band, score and severity of the peak. */
export const closedAnomaly = (
  scope: RecordScope,
  closed: { readonly reason: EndReason; readonly timestamp: number; readonly end: number },
): Anomaly => {
  const { row } = scope
  const identity = parseSeriesKey(scope.key)
  const durationMs = closed.end - row.epStart
  return {
    ...commonFields(scope, identity),
    phase: 'closed',
    timestamp: closed.timestamp,
    end: closed.end,
    value: row.lastValue,
    expected: row.epPeakExpected,
    lower: finite(peakLowerOf(row)),
    upper: finite(row.epPeakUpper),
    score: row.epPeakScore,
    severity: SEVERITIES[row.epSeverity]!,
    evidence: [
      { name: 'endReason', value: durationMs, unit: 'ms', detail: closed.reason },
      {
        name: 'anomalousPoints',
        value: row.epPoints,
        unit: null,
        detail: 'anomalous points of the episode',
      },
      {
        name: 'peakScore',
        value: row.epPeakScore,
        unit: null,
        detail: 'highest score of the episode',
      },
      ...rejectedEvidence(scope),
    ],
    message: closedMessage(identity, { row, ...closed, peakLower: peakLowerOf(row) }),
  }
}

const peakLowerOf = (row: SeriesRow): number =>
  shownLower(row, { value: row.epPeakValue, lower: row.epPeakLower })

const commonFields = ({ key, row, detector, ruleSet }: RecordScope, identity: SeriesIdentity) => ({
  ...identity,
  id: episodeId(key, row.epStart, detector.name),
  revision: row.epRevision,
  series: seriesId(key),
  service: serviceOf(identity.labels),
  kind: 'metric',
  start: row.epStart,
  peak: row.epPeakMs,
  peakValue: row.epPeakValue,
  detector: detector.name,
  detectorVersion: detector.version,
  configVersion: ruleSet.version,
  configHash: ruleSet.hash,
})

/** 32 hex digits over tenant, series, begin and detector: the same episode has the same id anywhere. */
const episodeId = (key: string, start: number, detector: string): string =>
  createHash('sha256')
    .update([key, start, detector].join(`${KEY_SEPARATOR}${KEY_SEPARATOR}`), 'utf8')
    .digest('hex')
    .slice(0, 32)

const ruleEvidence = ({ rank }: Judgement, rule: Rule): Evidence[] => {
  const severity = SEVERITIES[rank]!
  const evidence: Evidence[] = [
    {
      name: 'threshold',
      value: rule.thresholds[rank]!,
      unit: null,
      detail: `${severity} above this score, at sensitivity ${rule.sensitivity}`,
    },
  ]
  if (rule.minAbsoluteChange > 0) {
    const detail = 'smaller changes are normal'
    evidence.push({ name: 'minAbsoluteChange', value: rule.minAbsoluteChange, unit: null, detail })
  }
  if (rule.minRelativeChange > 0) {
    const detail = 'smaller changes, relative to what is expected, are normal'
    evidence.push({ name: 'minRelativeChange', value: rule.minRelativeChange, unit: null, detail })
  }
  return evidence
}

const rejectedEvidence = ({ rejected, ruleSet }: RecordScope): Evidence[] => {
  if (rejected === undefined) return []
  const { version, reason } = rejected
  const detail = `detectors configuration ${version} was not applied (${reason}); ${ruleSet.version} is in force`
  return [{ name: 'rejectedConfigVersion', value: version, unit: null, detail }]
}

export const finite = (value: number): number =>
  Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE)

/**
 * One point of one series: judged, told if need be, learned.
 *
 * O1: a point that is not later than the newest one of its series is passed over: a duplicate must
 *     not count twice, and a late one would be judged by what came after it. (Roll-ups count it.)
 * O2: rules take effect at a point: the first one that comes after the change.
 * O3: the common case, a normal point outside an episode, allocates nothing.
 */

import { parseSeriesKey, seriesId } from '../../schemas/series-key.ts'
import { closedAnomaly, finite, raisedAnomaly, type RecordScope } from './anomaly-record.ts'
import { emptyJudgement, NOT_JUDGED, type Judgement } from './detector.ts'
import { detectorOfCode, type AnyDetector } from './detectors.ts'
import { closeEpisode, isOpen, stepEpisode, type EndReason } from './episode.ts'
import { judge } from './judge.ts'
import { shownLower } from './shown-band.ts'
import type { AnomalyContext, SeriesState } from './series-state.ts'
import { rejectedFor, rulesFor } from './settings-table.ts'
import { ruleIndexFor, type Rule, type RuleSet } from './settings.ts'

const MINUTE_MS = 60_000
/** Points may be missing; a series is without data when this many in a row are. */
const MISSING_POINTS = 5
const INTERVAL_SMOOTHING = 1 / 8

type WatchingRule = Rule & { readonly detector: AnyDetector }

/** Used again for every point: handlers are synchronous (D3). */
const judgement = emptyJudgement()

export const observe = (
  point: { readonly timestamp: number; readonly value: number },
  state: SeriesState,
  context: AnomalyContext,
): void => {
  const { series } = state
  const ruleSet = rulesFor(context.globals.settings, context.tenant)
  if (series.stamp !== ruleSet.stamp) chooseRule(ruleSet, state, context) // O2
  const rule = ruleSet.rules[series.rule]!
  const { timestamp } = point
  if (!(timestamp > series.lastMs)) return // O1
  noteTime(series, timestamp)
  if (!isWatching(rule)) return
  judge(state, point.value, rule, judgement)
  if (judgement.rank !== NOT_JUDGED) tellBaseline(state, context, rule)
  series.lastMs = timestamp
  series.lastValue = judgement.value
  const isNewLevel =
    (judgement.rank >= 0 || isOpen(series)) &&
    tellEpisode({ timestamp, rule, ruleSet }, state, context)
  if (isNewLevel) {
    rule.detector.forget(state)
    judgement.rank = NOT_JUDGED
  }
  noteSign(series, judgement)
  rule.detector.learn(state, judgement)
}

const noteSign = (series: SeriesState['series'], { samples, value }: Judgement): void => {
  if (samples === 0) series.neverNegative = 1
  if (value < 0) series.neverNegative = 0
}

/** The series has fallen silent during an episode. */
export const endWithoutData = (state: SeriesState, context: AnomalyContext): void => {
  const { series } = state
  if (!isOpen(series)) return
  series.epRevision += 1
  end(state, context, { reason: 'no-data', timestamp: series.epNoDataMs, end: series.lastMs })
}

const isWatching = (rule: Rule): rule is WatchingRule => rule.detector !== undefined

const noteTime = (series: SeriesState['series'], timestamp: number): void => {
  const gapMs = timestamp - series.lastMs
  if (gapMs === Number.POSITIVE_INFINITY) return
  const { intervalMs } = series
  series.intervalMs =
    intervalMs === 0 ? gapMs : intervalMs + INTERVAL_SMOOTHING * (gapMs - intervalMs)
}

const chooseRule = (ruleSet: RuleSet, state: SeriesState, context: AnomalyContext): void => {
  const { series } = state
  const index = ruleIndexFor(ruleSet, parseSeriesKey(context.key))
  const detector = ruleSet.rules[index]?.detector
  const code = detector?.code ?? 0
  if (code !== series.detector) {
    if (isOpen(series)) {
      series.epRevision += 1
      const { lastMs } = series
      end(state, context, { reason: 'reconfigured', timestamp: lastMs, end: lastMs })
    }
    detector?.forget(state)
    series.detector = code
  }
  series.rule = index
  series.stamp = ruleSet.stamp
}

/** Tells what the episode has come to; true when its level is to be taken as the new normal. */
const tellEpisode = (
  { timestamp, rule, ruleSet }: { timestamp: number; rule: WatchingRule; ruleSet: RuleSet },
  state: SeriesState,
  context: AnomalyContext,
): boolean => {
  const { series, noData } = state
  const step = stepEpisode(series, { timestamp, judgement }, rule)
  if (step === 'recovered' || step === 'new-level') {
    const endMs = step === 'recovered' ? series.epCalmMs : timestamp
    end(state, context, { reason: step, timestamp, end: endMs })
    return step === 'new-level'
  }
  const patienceMs = Math.max(rule.noDataMs, MISSING_POINTS * series.intervalMs)
  series.epNoDataMs = timestamp + Math.round(patienceMs)
  noData.set(series.epNoDataMs)
  if (step === 'nothing') return false
  const scope = scopeOf(state, context, { detector: rule.detector, ruleSet })
  context.emit('anomalies', raisedAnomaly(scope, { phase: step, timestamp, judgement, rule }))
  return false
}

const end = (
  state: SeriesState,
  context: AnomalyContext,
  closed: { readonly reason: EndReason; readonly timestamp: number; readonly end: number },
): void => {
  const { series, noData } = state
  const detector = detectorOfCode(series.detector)
  if (detector !== undefined) {
    const ruleSet = rulesFor(context.globals.settings, context.tenant)
    const scope = scopeOf(state, context, { detector, ruleSet })
    context.emit('anomalies', closedAnomaly(scope, closed))
  }
  closeEpisode(series)
  noData.clear()
}

const scopeOf = (
  { series }: SeriesState,
  { key, tenant, globals }: AnomalyContext,
  by: { readonly detector: AnyDetector; readonly ruleSet: RuleSet },
): RecordScope => ({ key, row: series, ...by, rejected: rejectedFor(globals.settings, tenant) })

/**
 * Publishes the band of the judgement, at most once a minute of event time. Its time is that of the
 * last point it has learned from, so it is the band of the points that come after.
 */
const tellBaseline = (
  { series }: SeriesState,
  context: AnomalyContext,
  { detector }: WatchingRule,
): void => {
  const minute = Math.floor(series.lastMs / MINUTE_MS)
  if (minute <= series.baselineMinute) return
  series.baselineMinute = minute
  context.emit('baselines', {
    timestamp: series.lastMs,
    ...parseSeriesKey(context.key),
    series: seriesId(context.key),
    ...bandOf(series, judgement),
    detector: detector.name,
    detectorVersion: detector.version,
  })
}

const bandOf = (
  series: SeriesState['series'],
  { value, expected, lower, upper, spread, samples }: Judgement,
) => ({
  expected,
  lower: finite(shownLower(series, { value, lower })),
  upper: finite(upper),
  spread: finite(spread),
  samples,
})

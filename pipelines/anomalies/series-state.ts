/** What the pipeline remembers of a series, and what its handlers work with. */

import { controlConfig, signalsAnomalies, signalsBaselines } from '../../schemas/topics.ts'
import { globalTable, ring, row, timer, type Context, type StateViews } from '../runtime/index.ts'
import { memoryFields } from './detectors.ts'
import { WINDOW_SAMPLES } from './detectors/sliding-moments.ts'
import { episodeFields } from './episode.ts'
import { emptySettingsTable, foldSettings } from './settings-table.ts'

export const state = {
  series: row({
    /** Newest point seen; what is not later is passed over. */
    lastMs: Number.NEGATIVE_INFINITY,
    lastValue: 0,
    /** 1 as long as no learned value was below 0; state of versions that did not know has 0. */
    neverNegative: 0,
    /** Smoothed distance of points. */
    intervalMs: 0,
    /** The rules by which `rule` was chosen (RuleSet.stamp), and the rule's position in them. */
    stamp: -1,
    rule: 0,
    /** Detector.code of whose memory this is. */
    detector: 0,
    /** Minute of event time of the baseline last published. */
    baselineMinute: -1,
    ...memoryFields,
    ...episodeFields,
  }),
  recent: ring({ capacity: WINDOW_SAMPLES }),
  noData: timer(),
} as const

export const globals = {
  settings: globalTable(controlConfig, { empty: emptySettingsTable, fold: foldSettings }),
} as const

export const outputs = { anomalies: signalsAnomalies, baselines: signalsBaselines } as const

export type SeriesState = StateViews<typeof state>
export type SeriesRow = SeriesState['series']
export type AnomalyContext = Context<typeof globals, typeof outputs>

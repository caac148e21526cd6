/**
 * anomalies: telemetry.metrics -> signals.anomalies, signals.baselines
 *
 * Each series is watched by one detector, chosen by rules (`control.config`, scope `detectors`).
 * Each point is judged by what was learned before it and then learned. What is anomalous becomes an
 * episode, told when it begins, gets clearly worse, and ends.
 */

import { KEY_SEPARATOR } from '../../schemas/topic.ts'
import { telemetryMetrics } from '../../schemas/topics.ts'
import { copartitioned, days, definePipeline } from '../runtime/index.ts'
import { endWithoutData, observe } from './observe.ts'
import { globals, outputs, state } from './series-state.ts'

export const anomalies = definePipeline({
  name: 'anomalies',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
  globals,
  state,
  outputs,
  on: { points: observe },
  onTimer: { noData: endWithoutData },
  keyIdleTtlMs: days(7),
  keyLimit: {
    perTask: 200_000,
    perGroup: 20_000,
    /** Tenant and metric name: one exploding label must not take the room of other metrics. */
    groupOf: (key) => key.split(KEY_SEPARATOR, 2).join(KEY_SEPARATOR),
  },
})

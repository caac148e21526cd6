/**
 * rollups: telemetry.metrics -> signals.rollups
 *
 * What each series did in each minute of event time. A window closes 30 s after its end, by the
 * series' own clock; what comes later is in `rollups.late`.
 */

import { parseSeriesKey, seriesId } from '../../schemas/series-key.ts'
import { KEY_SEPARATOR } from '../../schemas/topic.ts'
import { signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import {
  cell,
  copartitioned,
  days,
  definePipeline,
  minutes,
  seconds,
  tumbling,
} from '../runtime/index.ts'
import { additionError, compensatedTotal } from './compensated-sum.ts'
import { encodeSketch } from './sketch-codec.ts'
import { addToSketch, emptySketch, quantileSketchSchema, type QuantileSketch } from './sketch.ts'

export const rollups = definePipeline({
  name: 'rollups',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
  outputs: { rollups: signalsRollups },
  windows: {
    minute: {
      input: 'points',
      window: tumbling({ sizeMs: minutes(1), graceMs: seconds(30) }),
      row: {
        count: 0,
        sum: 0,
        compensation: 0,
        min: Number.POSITIVE_INFINITY,
        max: Number.NEGATIVE_INFINITY,
      },
      cell: { ...cell<QuantileSketch>(quantileSketchSchema), empty: emptySketch },
      add({ value }, { row, cell: held }) {
        row.count += 1
        row.compensation += additionError(row.sum, value)
        row.sum += value
        if (value < row.min) row.min = value
        if (value > row.max) row.max = value
        const sketch = held.get() ?? emptySketch()
        addToSketch(sketch, value)
        held.set(sketch)
      },
      close({ row, cell: held }, { startMs, endMs }, _state, context) {
        const { count, min, max } = row
        const sum = compensatedTotal(row.sum, row.compensation)
        context.emit('rollups', {
          windowStart: startMs,
          windowEnd: endMs,
          ...parseSeriesKey(context.key),
          series: seriesId(context.key),
          count,
          sum,
          min,
          max,
          // Rounding must not carry a mean out of its own range.
          mean: Math.min(Math.max(sum / count, min), max),
          sketch: encodeSketch(held.get() ?? emptySketch()),
        })
      },
    },
  },
  keyIdleTtlMs: days(7),
  keyLimit: {
    perTask: 200_000,
    perGroup: 20_000,
    /** Tenant and metric name: one exploding label must not take the room of other metrics. */
    groupOf: (key) => key.split(KEY_SEPARATOR, 2).join(KEY_SEPARATOR),
  },
})

/**
 * Topologies made at random: every kind of input, state and window, alone and together.
 *
 * What they emit shows all of a key's state, so that a byte that differs inside is seen outside.
 */
import fc from 'fast-check'
import { parseSeriesKey, seriesKey } from '../../schemas/series-key.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import type { Rollup } from '../../schemas/generated/signals-rollups.ts'
import {
  controlConfig,
  signalsBaselines,
  signalsRollups,
  telemetryMetrics,
} from '../../schemas/topics.ts'
import {
  cell,
  copartitioned,
  definePipeline,
  globalTable,
  hopping,
  minutes,
  repartitioned,
  ring,
  row,
  seconds,
  session,
  timer,
  tumbling,
  type Pipeline,
} from '../../pipelines/runtime/index.ts'
import type { WindowAggregate } from '../../pipelines/runtime/stores/window-store.ts'

export interface TopologyShape {
  readonly input: 'declared-fields' | 'whole-value' | 'repartitioned'
  readonly window: 'tumbling' | 'hopping' | 'session'
  readonly graceMs: number
  readonly ring: boolean
  readonly cell: boolean
  readonly timer: boolean
  readonly emitsPerRecord: boolean
}

export const topologyShapes: fc.Arbitrary<TopologyShape> = fc.record({
  input: fc.constantFrom('declared-fields', 'whole-value', 'repartitioned'),
  window: fc.constantFrom('tumbling', 'hopping', 'session'),
  graceMs: fc.constantFrom(0, seconds(20)),
  ring: fc.boolean(),
  cell: fc.boolean(),
  timer: fc.boolean(),
  emitsPerRecord: fc.boolean(),
})

const limits = {
  keyIdleTtlMs: minutes(30),
  keyLimit: { perTask: 1_000, perGroup: 1_000, groupOf: () => '' },
}

const rollupOf = (key: string, change: Partial<Rollup>): Rollup => ({
  ...{ windowStart: 0, windowEnd: 0, count: 0, sum: 0, min: 0, max: 0, mean: 0, series: '' },
  ...parseSeriesKey(key),
  sketch: Buffer.alloc(0),
  ...change,
})

const inputs = {
  'declared-fields': copartitioned(telemetryMetrics, ['value', 'timestamp']),
  'whole-value': copartitioned(telemetryMetrics),
  repartitioned: repartitioned(telemetryMetrics, {
    by: (point: MetricPoint) => seriesKey({ ...point, labels: {} }),
  }),
}
const words = { type: 'record', name: 'Words', fields: [{ name: 'text', type: 'string' }] } as const
const latest = { type: 'record', name: 'Latest', fields: [{ name: 'at', type: 'double' }] } as const

const parts = {
  // Called so because the second stage reads signals.rollups: its time comes from their owner.
  name: 'rollups',
  version: 1,
  globals: {
    factor: globalTable(controlConfig, { empty: 1, fold: (_, entry) => Number(entry.body) }),
  },
  state: {
    totals: row({ count: 0, sum: 0 }),
    recent: ring({ capacity: 70 }),
    last: cell<{ text: string }>(words),
    silence: timer(),
  },
  outputs: { rollups: signalsRollups },
} as const
const aggregate = {
  input: 'points',
  row: { count: 0, sum: 0 },
  cell: { ...cell<{ at: number }>(latest), empty: () => ({ at: 0 }) },
} as const

const add = (
  { row, cell }: WindowAggregate<'count' | 'sum', { at: number }>,
  value: number,
  timestamp: number,
): void => {
  row.count += 1
  row.sum += value
  cell.set({ at: Math.max(timestamp, cell.get()?.at ?? 0) })
}

/** The first stage: telemetry.metrics -> signals.rollups. */
export const firstStage = (shape: TopologyShape): Pipeline => {
  const bounds = { graceMs: shape.graceMs }
  const aligned =
    shape.window === 'hopping'
      ? hopping({ sizeMs: minutes(1), advanceMs: seconds(20), ...bounds })
      : tumbling({ sizeMs: minutes(1), ...bounds })
  return definePipeline({
    ...parts,
    inputs: { points: inputs[shape.input] },
    windows: {
      span: {
        ...aggregate,
        window: aligned,
        add: ({ value, timestamp }, into) => {
          add(into, value, timestamp)
        },
        close({ row, cell }, { startMs, endMs }, { totals }, context) {
          if (shape.window === 'session') return
          const window = { windowStart: startMs, windowEnd: endMs, max: cell.get()?.at ?? -1 }
          const sums = { sum: row.sum * context.globals.factor, min: totals.sum }
          context.emit('rollups', rollupOf(context.key, { ...window, ...sums, count: row.count }))
        },
      },
      visit: {
        ...aggregate,
        window: session({ gapMs: seconds(30), maxLengthMs: minutes(5), ...bounds }),
        add: ({ value, timestamp }, into) => {
          add(into, value, timestamp)
        },
        merge(target, { row, cell }) {
          target.row.count += row.count
          target.row.sum += row.sum
          target.cell.set({ at: Math.max(target.cell.get()?.at ?? 0, cell.get()?.at ?? 0) })
        },
        close({ row, cell }, { startMs, endMs }, { totals }, context) {
          if (shape.window !== 'session') return
          const window = { windowStart: startMs, windowEnd: endMs, max: cell.get()?.at ?? -1 }
          const sums = { sum: row.sum * context.globals.factor, min: totals.sum }
          context.emit('rollups', rollupOf(context.key, { ...window, ...sums, count: row.count }))
        },
      },
    },
    on: {
      points({ value, timestamp }, { totals, recent, last, silence }, context) {
        if (value === REFUSED) {
          context.reject('refused')
          return
        }
        totals.count += 1
        totals.sum += value
        if (shape.ring) recent.push(value)
        if (shape.cell) last.set({ text: `${last.get()?.text ?? ''}${value}`.slice(-20) })
        if (shape.timer) silence.set(context.clockMs + minutes(2))
        if (!shape.emitsPerRecord) return
        const shown = { windowStart: timestamp, count: totals.count, sum: totals.sum }
        context.emit('rollups', rollupOf(context.key, { ...shown, series: 'seen' }))
      },
    },
    onTimer: {
      silence({ totals, recent, last }, context) {
        const { clockMs, key } = context
        const span = { windowStart: clockMs, windowEnd: clockMs, count: totals.count }
        const series = `${last.get()?.text ?? ''}/${recent.length}`
        context.emit('rollups', rollupOf(key, { ...span, series, sum: recent.total }))
        last.set(undefined)
      },
    },
    ...limits,
  })
}

/** A value that the first stage refuses. */
export const REFUSED = 666

/** The second stage: signals.rollups -> signals.baselines, by ticks that the first one passes on. */
export const secondStage = definePipeline({
  name: 'second',
  version: 1,
  inputs: { rollups: copartitioned(signalsRollups, ['windowStart', 'count', 'sum']) },
  state: { totals: row({ count: 0, sum: 0 }), silence: timer() },
  outputs: { baselines: signalsBaselines },
  on: {
    rollups({ windowStart, count, sum }, { totals, silence }) {
      totals.count += count
      totals.sum += sum
      silence.set(windowStart + minutes(2))
    },
  },
  onTimer: {
    silence({ totals }, context) {
      const { key, clockMs } = context
      context.emit('baselines', {
        ...{ timestamp: clockMs, series: '', detector: '', detectorVersion: 1 },
        ...parseSeriesKey(key),
        ...{ samples: totals.count, expected: totals.sum, lower: 0, upper: 0, spread: 0 },
      })
    },
  },
  ...limits,
})

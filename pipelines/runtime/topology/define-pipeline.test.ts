import { expect, it } from 'vitest'
import { controlConfig, signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import {
  copartitioned,
  definePipeline,
  globalTable,
  minutes,
  row,
  session,
  timer,
  tumbling,
} from '../index.ts'

const limits = {
  keyIdleTtlMs: minutes(60),
  keyLimit: { perTask: 10, perGroup: 10, groupOf: () => '' },
}
const base = {
  name: 'counts',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
  outputs: { rollups: signalsRollups },
  ...limits,
}

it('gives handlers the types of what was declared', () => {
  const pipeline = definePipeline({
    ...base,
    state: { totals: row({ count: 0, sum: 0 }), idle: timer() },
    windows: {
      minute: {
        input: 'points',
        window: tumbling({ sizeMs: minutes(1), graceMs: 0 }),
        row: { count: 0, largest: Number.NEGATIVE_INFINITY },
        add(point, { row }) {
          row.count += 1
          row.largest = Math.max(row.largest, point.value)
        },
        close({ row }, bounds, state, context) {
          if (row.count > state.totals.sum + bounds.endMs) context.reject(context.tenant)
        },
      },
    },
    on: {
      points(point, { totals, idle }) {
        totals.count += 1
        totals.sum += point.value
        idle.set(point.timestamp + 1)
      },
    },
    onTimer: {
      idle({ totals }) {
        totals.count = 0
      },
    },
  })
  expect(pipeline.name).toBe('counts')
})

it.each([
  { title: 'a name that is no topic name', change: { name: 'Counts!' }, says: /lower-case/ },
  {
    title: 'two rows',
    change: { state: { a: row({ x: 0 }), b: row({ y: 0 }) } },
    says: /at most one row/,
  },
  {
    title: 'a timer handler without a timer',
    change: { onTimer: { idle: () => undefined } },
    says: /no timer\(\)/,
  },
])('refuses $title', ({ change, says }) => {
  expect(() => definePipeline({ ...base, ...change })).toThrow(says)
})

it('asks of a session window, and of no other, how two become one', () => {
  const fine = { row: { count: 0 }, add: () => undefined, close: () => undefined }
  const gap = session({ gapMs: 1, graceMs: 0 })
  const minute = tumbling({ sizeMs: minutes(1), graceMs: 0 })
  const merge = () => undefined
  definePipeline({ ...base, windows: { visit: { ...fine, input: 'points', window: gap, merge } } })
  // @ts-expect-error a session window without merge
  definePipeline({ ...base, windows: { visit: { ...fine, input: 'points', window: gap } } })
  // @ts-expect-error a tumbling window with one
  definePipeline({ ...base, windows: { m: { ...fine, input: 'points', window: minute, merge } } })
})

it.each([
  { title: 'a number called as ours are', change: { state: { a: row({ _x: 0 }) } }, says: /own/ },
  { title: 'a state called as a store of ours', change: { state: { task: timer() } }, says: /own/ },
  { title: 'a state that Avro cannot name', change: { state: { 'a-b': timer() } }, says: /store/ },
  {
    title: 'one topic as two inputs',
    change: { inputs: { ...base.inputs, again: copartitioned(telemetryMetrics) } },
    says: /more than one/,
  },
  {
    title: 'a window that outlives its key',
    change: {
      windows: {
        hour: {
          input: 'points',
          window: tumbling({ sizeMs: minutes(60), graceMs: 1 }),
          row: {},
          add: () => undefined,
          close: () => undefined,
        },
      },
    },
    says: /keyIdleTtlMs/,
  },
])('refuses $title, too', ({ change, says }) => {
  expect(() => definePipeline({ ...base, ...(change as object) })).toThrow(says)
})

it('refuses a global table whose topic has several partitions: after a restart their order is lost', () => {
  const topic = { ...controlConfig, partitions: 2 }
  const define = (): unknown => globalTable(topic, { empty: 0, fold: (count) => count + 1 })
  expect(define).toThrow(/2 partitions; it must have 1/)
})

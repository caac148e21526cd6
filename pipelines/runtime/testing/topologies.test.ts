/** Topologies other than the plain one: overlapping windows, chosen keys, a second stage. */
import { describe, expect, it } from 'vitest'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import {
  controlTicks,
  signalsBaselines,
  signalsRollups,
  telemetryMetrics,
} from '../../../schemas/topics.ts'
import {
  copartitioned,
  definePipeline,
  hopping,
  minutes,
  repartitioned,
  row,
  timer,
} from '../index.ts'
import { createTestDriver, type TestDriver } from './test-driver.ts'

const limits = {
  keyIdleTtlMs: minutes(600),
  keyLimit: { perTask: 100, perGroup: 100, groupOf: () => '' },
}

const point = (timestamp: number, value: number, host = 'a'): MetricPoint => ({
  timestamp,
  value,
  tenant: 'default',
  name: 'cpu',
  labels: { host },
  unit: null,
  kind: 'unspecified',
})

const rollup = (change: Partial<Rollup>): Rollup => ({
  windowStart: 0,
  windowEnd: 0,
  tenant: 'default',
  series: '',
  name: 'any',
  labels: {},
  ...{ count: 0, sum: 0, min: 0, max: 0, mean: 0 },
  sketch: Buffer.alloc(0),
  ...change,
})

describe('hopping windows', () => {
  const pipeline = definePipeline({
    name: 'hops',
    version: 1,
    inputs: { points: copartitioned(telemetryMetrics, ['value']) },
    outputs: { rollups: signalsRollups },
    windows: {
      overlapping: {
        input: 'points',
        window: hopping({ sizeMs: 30, advanceMs: 10, graceMs: 5 }),
        row: { sum: 0 },
        add(record, { row }) {
          row.sum += record.value
        },
        close({ row }, { startMs, endMs }, _, context) {
          context.emit('rollups', rollup({ windowStart: startMs, windowEnd: endMs, sum: row.sum }))
        },
      },
    },
    ...limits,
  })
  const sums = (driver: TestDriver) =>
    driver
      .read(signalsRollups)
      .map(({ windowStart, windowEnd, sum }) => [windowStart, windowEnd, sum])

  it('count a record in every window that contains it, end excluded', () => {
    const driver = createTestDriver(pipeline)
    driver.pipe(telemetryMetrics, point(29, 1), point(30, 2))
    driver.tick({ tenant: 'default', atMs: 1_000 })
    expect(sums(driver)).toEqual([
      ...[
        [0, 30, 1],
        [10, 40, 3],
        [20, 50, 3],
        [30, 60, 2],
      ],
    ])
  })

  it('take a late record into the windows that are still open, and only then', () => {
    const driver = createTestDriver(pipeline)
    driver.pipe(telemetryMetrics, point(40, 1)) // [0,30) closed at 35
    driver.pipe(telemetryMetrics, point(25, 2)) // still in [10,40) and [20,50)
    expect(driver.readLate()).toHaveLength(0)
    driver.pipe(telemetryMetrics, point(60, 4), point(25, 8)) // now all of them are closed
    expect(driver.readLate()).toHaveLength(1)
    driver.tick({ tenant: 'default', atMs: 1_000 })
    expect(sums(driver).slice(0, 3)).toEqual([
      [10, 40, 2],
      [20, 50, 3],
      [30, 60, 1],
    ])
  })
})

describe('a repartitioned input', () => {
  const pipeline = definePipeline({
    name: 'by-name',
    version: 1,
    inputs: {
      points: repartitioned(telemetryMetrics, { by: ({ tenant, name }) => `${tenant}/${name}` }),
    },
    state: { totals: row({ sum: 0 }), done: timer() },
    outputs: { rollups: signalsRollups },
    on: {
      points({ value, timestamp }, { totals, done }) {
        totals.sum += value
        done.set(timestamp + minutes(1))
      },
    },
    onTimer: {
      done({ totals }, context) {
        context.emit('rollups', rollup({ name: context.key, sum: totals.sum }))
      },
    },
    ...limits,
  })

  it('brings records of many partitions together under the chosen key, and their time after them', () => {
    const driver = createTestDriver(pipeline)
    const hosts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    driver.pipe(telemetryMetrics, ...hosts.map((host, index) => point(index, 2 ** index, host)))
    driver.tick({ tenant: 'default', atMs: minutes(2) })
    const sums = driver.read(signalsRollups).map(({ name, sum }) => [name, sum])
    expect(sums).toEqual([['default/cpu', 255]])
    expect(driver.readLate()).toEqual([])
  })
})

describe('a second stage', () => {
  /** Its input is written by the pipeline `rollups`: that pipeline's ticks are its time. */
  const pipeline = definePipeline({
    name: 'stage-two',
    version: 1,
    inputs: { rollups: copartitioned(signalsRollups) },
    state: { silence: timer() },
    outputs: { baselines: signalsBaselines },
    on: {
      rollups({ windowStart }, { silence }) {
        silence.set(windowStart + minutes(1))
      },
    },
    onTimer: {
      silence(_, context) {
        context.emit('baselines', {
          timestamp: context.clockMs,
          tenant: context.tenant,
          ...{ series: '', name: 'any', labels: {}, detector: '', detectorVersion: 1, samples: 0 },
          ...{ expected: 0, lower: 0, upper: 0, spread: 0 },
        })
      },
    },
    ...limits,
  })

  const passOn = (driver: TestDriver, upstream: number, timestamp: number) => {
    const tick = { timestamp, tenant: 'default', origin: `rollups/${upstream}` }
    for (let partition = 0; partition < 4; partition++) {
      driver.pipeRaw(
        { ...controlTicks, name: 'rollups.ticks' },
        {
          key: null,
          value: driver.encode(controlTicks, tick),
          partition,
          atMs: timestamp,
        },
      )
    }
  }

  it('moves with the slowest task of the stage before, not with control.ticks', () => {
    const driver = createTestDriver(pipeline)
    driver.pipe(signalsRollups, rollup({ name: 'cpu', windowStart: 0 }))
    driver.tick({ tenant: 'default', atMs: minutes(10) })
    for (const upstream of [0, 1, 3]) passOn(driver, upstream, minutes(5))
    expect(driver.read(signalsBaselines)).toEqual([])
    passOn(driver, 2, minutes(2))
    expect(driver.read(signalsBaselines).map(({ timestamp }) => timestamp)).toEqual([minutes(2)])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { seriesId, seriesKey } from '../../schemas/series-key.ts'
import { signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import { createTestDriver, type TestDriver } from '../runtime/testing/test-driver.ts'
import { rollups } from './pipeline.ts'
import { decodeSketch } from './sketch-codec.ts'
import { addToSketch, emptySketch, mergeSketches, quantileOf, sketchCount } from './sketch.ts'

const MINUTE_MS = 60_000
const START_MS = Date.UTC(2026, 0, 20, 10)

const point = (seconds: number, value: number, host = 'web-1'): MetricPoint => ({
  timestamp: START_MS + seconds * 1_000,
  value,
  tenant: 'default',
  name: 'cpu',
  labels: { host },
  unit: null,
  kind: 'unspecified',
})

const drive = (...points: MetricPoint[]): TestDriver => {
  const driver = createTestDriver(rollups, { partitions: 2, recordsPerCommit: 5 })
  driver.pipe(telemetryMetrics, ...points)
  return driver
}

it('sums up one series and minute', () => {
  const driver = drive(point(0, 4), point(20, -1), point(59.999, 6), point(90, 1))
  const [rollup, ...more] = driver.read(signalsRollups)
  expect(more).toEqual([])
  const { sketch, ...rest } = rollup!
  expect(rest).toEqual({
    windowStart: START_MS,
    windowEnd: START_MS + MINUTE_MS,
    tenant: 'default',
    series: seriesId(seriesKey(point(0, 0))),
    name: 'cpu',
    labels: { host: 'web-1' },
    count: 3,
    sum: 9,
    min: -1,
    max: 6,
    mean: 3,
  })
  expect(sketchCount(decodeSketch(sketch))).toBe(3)
})

describe('a minute', () => {
  it.each([
    {
      title: 'holds its begin and not its end',
      points: [point(0, 1), point(60, 2)],
      counts: [1, 1],
    },
    {
      title: 'takes what comes within grace',
      points: [point(1, 1), point(89, 2), point(2, 3)],
      counts: [2, 1],
    },
    {
      title: 'takes nothing after grace',
      points: [point(1, 1), point(90, 2), point(2, 3)],
      counts: [1, 1],
    },
    {
      title: 'without points has no roll-up',
      points: [point(0, 1), point(200, 2)],
      counts: [1, 1],
    },
  ])('$title', ({ points, counts }) => {
    const driver = drive(...points)
    driver.tick({ tenant: 'default', atMs: START_MS + 10 * MINUTE_MS })
    expect(driver.read(signalsRollups).map(({ count }) => count)).toEqual(counts)
  })

  it('that has closed sends what comes to the late output', () => {
    const driver = drive(point(1, 1), point(90, 2), point(2, 3))
    expect(driver.readLate()).toHaveLength(1)
  })
})

it('closes at a tick of the tenant, not before the grace is over', () => {
  const driver = drive(point(1, 1))
  driver.tick({ tenant: 'default', atMs: START_MS + 89_999 })
  driver.tick({ tenant: 'other', atMs: START_MS + 10 * MINUTE_MS })
  expect(driver.read(signalsRollups)).toEqual([])
  driver.tick({ tenant: 'default', atMs: START_MS + 90_000 })
  expect(driver.read(signalsRollups)).toHaveLength(1)
})

it.each([
  { title: 'small values beside large ones', values: [1e16, 1, -1e16], sum: 1, mean: 1 / 3 },
  {
    title: 'values that overflow',
    values: [1.7e308, 1.7e308],
    sum: Number.MAX_VALUE,
    mean: 1.7e308,
  },
  {
    title: 'a mean that rounds out of its range',
    values: [0.1, 0.1, 0.1],
    sum: 0.30000000000000004,
    mean: 0.1,
  },
])('keeps its sums: $title', ({ values, sum, mean }) => {
  const driver = drive(...values.map((value, index) => point(index, value)))
  driver.tick({ tenant: 'default', atMs: START_MS + 2 * MINUTE_MS })
  expect(driver.read(signalsRollups)).toMatchObject([{ sum, mean, count: values.length }])
})

const feed = fc.array(
  fc.record({
    seconds: fc.integer({ min: 0, max: 400 }),
    value: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }),
    host: fc.constantFrom('a', 'b', 'c'),
  }),
  { minLength: 1, maxLength: 60 },
)
const END = { tenant: 'default', atMs: START_MS + 10 * MINUTE_MS }

it('loses nothing: every point is in a roll-up or late', () => {
  fc.assert(
    fc.property(feed, (points) => {
      const driver = drive(...points.map(({ seconds, value, host }) => point(seconds, value, host)))
      driver.tick(END)
      const counted = driver.read(signalsRollups).reduce((sum, { count }) => sum + count, 0)
      expect(counted + driver.readLate().length).toBe(points.length)
    }),
    { numRuns: 20 },
  )
})

it('merges into the sketch of the whole time', () => {
  const values = Array.from({ length: 300 }, (_, index) => Math.exp(Math.sin(index) * 3))
  const driver = drive(...values.map((value, index) => point(index, value)))
  driver.tick(END)
  const merged = driver
    .read(signalsRollups)
    .map(({ sketch }) => decodeSketch(sketch))
    .reduce(mergeSketches)
  const whole = emptySketch()
  for (const value of values) addToSketch(whole, value)
  expect(merged).toEqual(whole)
  const p99 = values.toSorted((a, b) => a - b)[Math.floor(0.99 * 299)]!
  expect(Math.abs(quantileOf(merged, 0.99) / p99 - 1)).toBeLessThanOrEqual(0.0100001)
})

it('writes the same bytes when it is restarted at any cut', () => {
  fc.assert(
    fc.property(feed, fc.array(fc.nat(59), { maxLength: 4 }), (points, cuts) => {
      const [whole, restarted] = [drive(), drive()]
      points.forEach(({ seconds, value, host }, index) => {
        if (cuts.includes(index)) restarted.restart()
        for (const driver of [whole, restarted]) {
          driver.pipe(telemetryMetrics, point(seconds, value, host))
        }
      })
      for (const driver of [whole, restarted]) driver.tick(END)
      expect(restarted.readBytes(signalsRollups.name)).toEqual(whole.readBytes(signalsRollups.name))
    }),
    { numRuns: 20 },
  )
})

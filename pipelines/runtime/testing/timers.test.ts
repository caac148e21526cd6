/** When timers fire must not depend on what else was queued, nor on when the task was restarted. */
import { expect, it } from 'vitest'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { parseSeriesKey } from '../../../schemas/series-key.ts'
import { signalsBaselines, telemetryMetrics } from '../../../schemas/topics.ts'
import { copartitioned, definePipeline, minutes, row, seconds, timer } from '../index.ts'
import { createTestDriver, type TestDriver } from './test-driver.ts'

/** A point's value is when to wake its key; the first wake-up arms another one 10 s behind it. */
const alarm = definePipeline({
  name: 'alarm',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['value']) },
  state: { deadline: row({ atMs: 0, again: 1 }), wake: timer() },
  outputs: { baselines: signalsBaselines },
  on: {
    points({ value }, { deadline, wake }) {
      deadline.atMs = value
      wake.set(value)
    },
  },
  onTimer: {
    wake({ deadline, wake }, context) {
      const { key, clockMs } = context
      context.emit('baselines', {
        ...{ timestamp: clockMs, series: '', detector: '', detectorVersion: 1 },
        ...parseSeriesKey(key),
        ...{ samples: 0, expected: 0, lower: 0, upper: 0, spread: 0 },
      })
      if (deadline.again === 1) wake.set(deadline.atMs + seconds(10))
      deadline.again = 0
    },
  },
  keyIdleTtlMs: minutes(600),
  keyLimit: { perTask: 100, perGroup: 100, groupOf: () => '' },
})

const wakeAt = (atMs: number, by: { host: string; timestamp: number }): MetricPoint => ({
  ...{ timestamp: by.timestamp, value: atMs, tenant: 'a', name: 'cpu' },
  ...{ labels: { host: by.host }, unit: null, kind: 'unspecified' },
})

const wokenAtSeconds = (driver: TestDriver, host: string): number[] =>
  driver
    .read(signalsBaselines)
    .filter(({ labels }) => labels['host'] === host)
    .map(({ timestamp }) => timestamp / seconds(1))

const restarts = [
  { title: 'without a restart', restarted: false },
  { title: 'after a restart', restarted: true },
]

it.each(restarts)(
  'a deadline behind the clock of its key waits for ticks to reach it, $title',
  ({ restarted }) => {
    const driver = createTestDriver(alarm, { partitions: 1 })
    const [early, late] = [seconds(0), seconds(100)]
    driver.pipe(telemetryMetrics, wakeAt(seconds(10), { host: 'x', timestamp: early }))
    driver.pipe(telemetryMetrics, wakeAt(seconds(60), { host: 'x', timestamp: late }))
    expect(wokenAtSeconds(driver, 'x')).toEqual([100])
    if (restarted) driver.restart()
    driver.tick({ tenant: 'a', atMs: seconds(30) }) // The first deadline was queued for this time.
    driver.tick({ tenant: 'a', atMs: seconds(59) })
    expect(wokenAtSeconds(driver, 'x')).toEqual([100])
    driver.tick({ tenant: 'a', atMs: seconds(60) })
    expect(wokenAtSeconds(driver, 'x')).toEqual([100, 100])
  },
)

it.each([
  { title: 'alone', others: [] },
  { title: 'with another key whose deadline is in between', others: ['y'] },
])('a key wakes at most once per tick, $title', ({ others }) => {
  const driver = createTestDriver(alarm, { partitions: 1 })
  driver.pipe(telemetryMetrics, wakeAt(seconds(10), { host: 'x', timestamp: 0 }))
  for (const host of others) {
    driver.pipe(telemetryMetrics, wakeAt(seconds(20), { host, timestamp: 0 }))
  }
  driver.tick({ tenant: 'a', atMs: seconds(30) })
  expect(wokenAtSeconds(driver, 'x')).toEqual([30])
  driver.tick({ tenant: 'a', atMs: seconds(31) })
  expect(wokenAtSeconds(driver, 'x')).toEqual([30, 31])
})

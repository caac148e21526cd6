/** Session windows in whole pipelines: which sessions there are, when they close, what they leave. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { parseSeriesKey } from '../../../schemas/series-key.ts'
import { signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import { cell, copartitioned, definePipeline, minutes, session } from '../index.ts'
import { createTestDriver, type TestDriver } from './test-driver.ts'

const GAP_MS = 10
const GRACE_MS = 25

const visits = (options: { gapMs: number; graceMs: number; maxLengthMs?: number }) =>
  definePipeline({
    name: 'visits',
    version: 1,
    inputs: { points: copartitioned(telemetryMetrics, ['value']) },
    outputs: { rollups: signalsRollups },
    windows: {
      visit: {
        input: 'points',
        window: session(options),
        row: { count: 0, sum: 0 },
        cell: {
          ...cell<{ seen: number[] }>({
            type: 'record',
            name: 'Seen',
            fields: [{ name: 'seen', type: { type: 'array', items: 'double' } }],
          }),
          empty: () => ({ seen: [] }),
        },
        add({ value }, { row, cell }) {
          row.count += 1
          row.sum += value
          cell.set({ seen: [...(cell.get()?.seen ?? []), value] })
        },
        merge(target, source) {
          target.row.count += source.row.count
          target.row.sum += source.row.sum
          const seen = [...(target.cell.get()?.seen ?? []), ...(source.cell.get()?.seen ?? [])]
          target.cell.set({ seen })
        },
        close({ row, cell }, { startMs, endMs }, _, context) {
          context.emit('rollups', {
            ...rollup(context.key, cell.get()?.seen.join() ?? ''),
            ...{ windowStart: startMs, windowEnd: endMs, count: row.count, sum: row.sum },
          })
        },
      },
    },
    keyIdleTtlMs: minutes(600),
    keyLimit: { perTask: 100, perGroup: 100, groupOf: () => '' },
  })

const rollup = (key: string, series: string): Rollup => {
  const labels = { host: parseSeriesKey(key).labels['host'] ?? '' }
  const numbers = { count: 0, sum: 0, min: 0, max: 0, mean: 0, sketch: Buffer.alloc(0) }
  const bounds = { windowStart: 0, windowEnd: 0 }
  return { ...bounds, tenant: 'default', series, name: 'cpu', labels, ...numbers }
}

const point = (timestamp: number, value = timestamp, host = 'a'): MetricPoint => ({
  timestamp,
  value,
  tenant: 'default',
  name: 'cpu',
  labels: { host },
  unit: null,
  kind: 'unspecified',
})

const closed = (driver: TestDriver) =>
  driver.read(signalsRollups).map(({ windowStart, windowEnd, series }) => ({
    from: windowStart,
    to: windowEnd,
    seen: series,
  }))

const tick = (driver: TestDriver, atMs: number): void => {
  driver.tick({ tenant: 'default', atMs })
}

const changelog = (driver: TestDriver): Map<string, string> => {
  const live = new Map<string, string>()
  for (const { key, value } of driver.readBytes('visits.visit.changelog')) {
    if (value === '') live.delete(key)
    else live.set(key, value)
  }
  return live
}

describe('a session', () => {
  const pipeline = visits({ gapMs: GAP_MS, graceMs: GRACE_MS })

  it.each([
    {
      title: 'lasts while records are less than a gap apart',
      times: [100, 109, 118],
      sessions: [{ from: 100, to: 128, seen: '100,109,118' }],
    },
    {
      title: 'is over when a gap has passed',
      times: [100, 110],
      sessions: [
        { from: 100, to: 110, seen: '100' },
        { from: 110, to: 120, seen: '110' },
      ],
    },
    {
      title: 'grows backwards, too',
      times: [100, 91],
      sessions: [{ from: 91, to: 110, seen: '100,91' }],
    },
    {
      title: 'merges with the next one, the earlier one first and the bridge last',
      times: [112, 100, 106],
      sessions: [{ from: 100, to: 122, seen: '100,112,106' }],
    },
    {
      title: 'bridges no more than its two neighbours',
      times: [100, 112, 124, 106],
      sessions: [
        { from: 100, to: 122, seen: '100,112,106' },
        { from: 124, to: 134, seen: '124' },
      ],
    },
  ])('$title', ({ times, sessions }) => {
    const driver = createTestDriver(pipeline)
    driver.pipe(telemetryMetrics, ...times.map((time) => point(time)))
    tick(driver, 1_000)
    expect(closed(driver)).toEqual(sessions)
    expect(driver.readLate()).toEqual([])
    expect(changelog(driver).size).toBe(0)
  })

  it('closes once, when its key’s clock reaches end plus grace, by ticks or by records', () => {
    const driver = createTestDriver(pipeline)
    driver.pipe(telemetryMetrics, point(100), point(100, 1, 'b'))
    tick(driver, 134)
    expect(closed(driver)).toEqual([])
    driver.pipe(telemetryMetrics, point(135)) // moves the clock of its own key only
    expect(closed(driver)).toEqual([{ from: 100, to: 110, seen: '100' }])
    tick(driver, 135)
    expect(closed(driver)).toHaveLength(2)
    tick(driver, 170)
    tick(driver, 1_000)
    expect(closed(driver)).toHaveLength(3)
  })

  it('is late when it would have closed, and not a moment before', () => {
    const driver = createTestDriver(pipeline)
    tick(driver, 134)
    driver.pipe(telemetryMetrics, point(100))
    expect(driver.readLate()).toHaveLength(0)
    tick(driver, 135)
    driver.pipe(telemetryMetrics, point(100))
    expect(driver.readLate()).toHaveLength(1)
    expect(closed(driver)).toEqual([{ from: 100, to: 110, seen: '100' }])
  })

  it('takes what is later than its grace as long as it is open', () => {
    const driver = createTestDriver(pipeline)
    driver.pipe(telemetryMetrics, point(108))
    tick(driver, 142)
    driver.pipe(telemetryMetrics, point(100))
    expect(driver.readLate()).toHaveLength(0)
    tick(driver, 143)
    expect(closed(driver)).toEqual([{ from: 100, to: 118, seen: '108,100' }])
  })

  it('is cut where its greatest length says, whatever came first', () => {
    for (const times of [
      [85, 92, 99, 101, 108],
      [108, 101, 99, 92, 85],
    ]) {
      const driver = createTestDriver(visits({ gapMs: 10, graceMs: 25, maxLengthMs: 100 }))
      driver.pipe(telemetryMetrics, ...times.map((time) => point(time)))
      tick(driver, 1_000)
      const bounds = closed(driver).map(({ from, to }) => [from, to])
      expect(bounds).toEqual([
        [85, 100],
        [101, 118],
      ])
    }
  })
})

/** What a session is, said plainly: sorted records, parted where a gap or a cut lies between. */
const sessionsOf = (times: readonly number[], maxLengthMs: number) => {
  const sessions: { from: number; to: number; count: number; sum: number }[] = []
  let lastMs = Number.NaN
  for (const time of times.toSorted((a, b) => a - b)) {
    const cutMs = (Math.floor(time / maxLengthMs) + 1) * maxLengthMs
    const current = sessions.at(-1)
    const sameBlock = Math.floor(lastMs / maxLengthMs) === Math.floor(time / maxLengthMs)
    const to = Math.min(time + GAP_MS, cutMs)
    if (current && time - lastMs < GAP_MS && sameBlock) {
      Object.assign(current, { to, count: current.count + 1, sum: current.sum + time })
    } else {
      sessions.push({ from: time, to, count: 1, sum: time })
    }
    lastMs = time
  }
  return sessions
}

const found = (driver: TestDriver, host = 'a') =>
  driver
    .read(signalsRollups)
    .filter(({ labels }) => labels['host'] === host)
    .map(({ windowStart, windowEnd, count, sum }) => ({
      ...{ from: windowStart, to: windowEnd, count, sum },
    }))

/** Times, each at most the grace behind the furthest before it. */
const insideGrace = fc
  .array(fc.tuple(fc.nat({ max: 14 }), fc.nat({ max: GRACE_MS })), { minLength: 1, maxLength: 40 })
  .map((steps) => {
    let furthestMs = 1_000
    return steps.map(([step, behind]) => {
      furthestMs += step
      return furthestMs - Math.min(behind, GRACE_MS)
    })
  })
const lengths = fc.constantFrom(Number.POSITIVE_INFINITY, 10, 37, 60)

describe('for records that come at most the grace late', () => {
  it('the sessions are those of the sorted records, in any order, restarted at any cut', () => {
    fc.assert(
      fc.property(insideGrace, lengths, fc.nat({ max: 40 }), (times, maxLengthMs, cut) => {
        const pipeline = visits({ gapMs: GAP_MS, graceMs: GRACE_MS, maxLengthMs })
        const wanted = sessionsOf(times, maxLengthMs)
        const [whole, restarted] = [0, 1].map(() => createTestDriver(pipeline, { partitions: 1 }))
        if (!whole || !restarted) return
        const points = times.map((time) => point(time))
        for (const each of points) whole.pipe(telemetryMetrics, each)
        restarted.pipe(telemetryMetrics, ...points.slice(0, cut))
        restarted.restart()
        restarted.pipe(telemetryMetrics, ...points.slice(cut))
        for (const driver of [whole, restarted]) {
          tick(driver, 100_000)
          expect(found(driver)).toEqual(wanted)
          expect(driver.readLate()).toEqual([])
          expect(changelog(driver).size).toBe(0)
        }
        expect(restarted.readBytes('signals.rollups')).toEqual(whole.readBytes('signals.rollups'))
      }),
      { numRuns: 100 },
    )
  })
})

describe('whatever comes', () => {
  const event = fc.record({
    time: fc.integer({ min: 0, max: 400 }),
    host: fc.constantFrom('a', 'b', 'c'),
    tickMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
  })

  it('nothing is lost, nothing counted twice, and a restart changes no byte', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 40 }),
        lengths,
        fc.nat({ max: 40 }),
        (events, maxLengthMs, cut) => {
          const pipeline = visits({ gapMs: GAP_MS, graceMs: 3, maxLengthMs })
          const [whole, restarted] = [0, 1].map(() => createTestDriver(pipeline, { partitions: 2 }))
          if (!whole || !restarted) return
          for (const driver of [whole, restarted]) {
            events.forEach(({ time, host, tickMs }, index) => {
              if (driver === restarted && index === cut) driver.restart()
              if (tickMs !== undefined) tick(driver, tickMs)
              driver.pipe(telemetryMetrics, point(time, 1, host))
            })
            expect(changelog(driver).size).toBe(openSessions(driver))
            tick(driver, 100_000)
            expect(changelog(driver).size).toBe(0)
            expect(openSessions(driver)).toBe(0)
          }
          const counted = ['a', 'b', 'c'].flatMap((host) => found(whole, host))
          const total = counted.reduce((sum, { count }) => sum + count, 0)
          expect(total + whole.readLate().length).toBe(events.length)
          expect(restarted.readBytes('signals.rollups')).toEqual(whole.readBytes('signals.rollups'))
          expect(restarted.readBytes('visits.late')).toEqual(whole.readBytes('visits.late'))
        },
      ),
      { numRuns: 60 },
    )
  })

  const openSessions = (driver: TestDriver): number => {
    const stores = driver.tasks.flatMap(({ keySpace }) => keySpace.sessions)
    for (const store of stores) expect(store.queuedSessions).toBe(store.openSessions)
    return stores.reduce((sum, { openSessions: open }) => sum + open, 0)
  }
})

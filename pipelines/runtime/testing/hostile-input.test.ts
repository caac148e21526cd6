/** What nobody sends on purpose, or somebody does: the task goes on, and others notice nothing. */
import { describe, expect, it } from 'vitest'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import {
  controlConfig,
  controlTicks,
  signalsRollups,
  telemetryMetrics,
} from '../../../schemas/topics.ts'
import {
  cell,
  copartitioned,
  definePipeline,
  globalTable,
  minutes,
  repartitioned,
  row,
  seconds,
  timer,
  tumbling,
} from '../index.ts'
import { changelogTopic, orderTopic } from '../topology/internal-topics.ts'
import { createTestDriver } from './test-driver.ts'

const rollup = (key: string, windowStart: number, windowEnd: number): Rollup => {
  const [tenant = '', name = '', label = ''] = key.split('\u001f')
  const numbers = { count: 0, sum: 0, min: 0, max: 0, mean: 0, sketch: Buffer.alloc(0) }
  return { windowStart, windowEnd, tenant, series: '', name, labels: { label }, ...numbers }
}

const text = (name: string) =>
  cell<{ text: string }>({ type: 'record', name, fields: [{ name: 'text', type: 'string' }] })

/** More than any topic of ours takes. */
const large = Buffer.alloc(3_000_000)

/** Counts per minute; a timer clears the note five minutes after the last record. */
const counting = definePipeline({
  name: 'counting',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
  globals: { entries: globalTable(controlConfig, { empty: 0, fold: (count) => count + 1 }) },
  state: { totals: row({ count: 0 }), note: text('Note'), silence: timer() },
  outputs: { rollups: signalsRollups },
  windows: {
    minute: {
      input: 'points',
      window: tumbling({ sizeMs: minutes(1), graceMs: seconds(10) }),
      row: { count: 0 },
      add(_, { row }) {
        row.count += 1
      },
      close({ row }, { startMs, endMs }, { totals }, context) {
        const counts = { count: row.count, sum: totals.count, max: context.clockMs }
        context.emit('rollups', { ...rollup(context.key, startMs, endMs), ...counts })
      },
    },
  },
  on: {
    points({ timestamp, value }, { totals, note, silence }, context) {
      totals.count += 1
      if (note.get() === undefined && value !== 0) note.set({ text: String(value) })
      // Values say what the handler is to do wrong.
      if (value === 413) context.emit('rollups', { ...rollup(context.key, 0, 0), sketch: large })
      if (value === 414) note.set({ text: 'x'.repeat(large.length) })
      if (value === 404) note.set({} as { text: string })
      if (value === 500) throw new Error('a bug')
      if (value === 1e9) silence.set(Number.NaN)
      else if (value === 2e9) silence.set(Number.POSITIVE_INFINITY)
      else if (value === 3e9) silence.set(minutes(300))
      else silence.set(timestamp + minutes(5))
    },
  },
  onTimer: {
    silence({ totals, note }, context) {
      const at = rollup(context.key, context.clockMs, -1)
      context.emit('rollups', { ...at, sum: totals.count, series: note.get()?.text ?? '' })
      note.set(undefined)
    },
  },
  keyIdleTtlMs: minutes(120),
  keyLimit: { perTask: 10_000, perGroup: 10_000, groupOf: () => '' },
})

const point = (timestamp: number, more: Partial<MetricPoint> = {}): MetricPoint => ({
  timestamp,
  value: 1,
  tenant: 'default',
  name: 'cpu',
  labels: {},
  unit: null,
  kind: 'unspecified',
  ...more,
})

const driverOf = () => createTestDriver(counting, { partitions: 1 })
const reasons = (driver: ReturnType<typeof driverOf>) =>
  driver.readDeadLetters().map(({ headers }) => headers['millrace-reason'])

describe('tenants', () => {
  it('never closes a window of one tenant by ticks of another, whatever slots were used before', () => {
    const driver = driverOf()
    driver.pipe(telemetryMetrics, point(0, { tenant: 'a', name: 'first' }))
    driver.pipe(telemetryMetrics, point(0, { tenant: 'a', name: 'second' }))
    // The first key has two minutes open, closes both by its own clock and opens one: a slot is free.
    driver.pipe(telemetryMetrics, point(minutes(1), { tenant: 'a', name: 'first' }))
    driver.pipe(telemetryMetrics, point(minutes(5), { tenant: 'a', name: 'first' }))
    driver.pipe(telemetryMetrics, point(1, { tenant: 'b' }))
    driver.tick({ tenant: 'a', atMs: minutes(3) })
    driver.pipe(telemetryMetrics, point(2, { tenant: 'b' }))
    driver.tick({ tenant: 'b', atMs: minutes(3) })
    const ofB = driver.read(signalsRollups).filter(({ tenant }) => tenant === 'b')
    expect(ofB.map(({ windowStart, count }) => [windowStart, count])).toEqual([[0, 2]])
  })

  it('never wakes a timer of one tenant by ticks of another, whatever ids were used before', () => {
    const driver = driverOf()
    driver.pipe(telemetryMetrics, point(0, { tenant: 'a', value: 3e9 }))
    driver.tick({ tenant: 'a', atMs: minutes(181) })
    expect(driver.tasks[0]?.keySpace.keys.size).toBe(0)
    driver.pipe(telemetryMetrics, point(minutes(295), { tenant: 'b' }))
    driver.tick({ tenant: 'a', atMs: minutes(301) })
    const woken = () => driver.read(signalsRollups).filter(({ windowEnd }) => windowEnd < 0)
    expect(woken()).toEqual([])
    driver.tick({ tenant: 'b', atMs: minutes(301) })
    expect(woken()).toHaveLength(1)
  })

  it.each([
    { title: 'empty', tenant: '' },
    { title: 'with a separator', tenant: 'a\u001fb' },
  ])('puts a tick aside whose tenant is $title', ({ tenant }) => {
    const driver = driverOf()
    driver.tick({ tenant, atMs: 1_000 })
    expect(reasons(driver)).toEqual(['invalid-key'])
    driver.pipe(telemetryMetrics, point(0))
    driver.tick({ tenant: 'default', atMs: minutes(2) })
    expect(driver.read(signalsRollups)).toHaveLength(1)
  })

  it('keeps thousands of them without a record that outgrows its topic', () => {
    const driver = driverOf()
    const names = Array.from({ length: 12_000 }, (_, index) => `tenant-${index}-${'x'.repeat(200)}`)
    driver.hold(() => {
      for (const tenant of names) driver.tick({ tenant, atMs: minutes(1) })
    })
    const sizes = driver
      .readBytes(changelogTopic('counting', 'task'))
      .map(({ key, value }) => (key.length + value.length) * 0.75)
    expect(Math.max(...sizes)).toBeLessThan(100_000)
    expect(driver.tasks[0]?.clocks.names.length).toBeLessThanOrEqual(10_000)
    driver.restart()
    const { clocks } = driver.tasks[0]!
    expect(clocks.clockMs(clocks.indexOf(names[9_000]!))).toBe(minutes(1))
  }, 60_000)

  it('puts a tick aside whose tenant is longer than a key may be', () => {
    const driver = driverOf()
    driver.tick({ tenant: 'x'.repeat(100_000), atMs: 1_000 })
    expect(reasons(driver)).toEqual(['invalid-key'])
  })
})

describe('keys', () => {
  const byLabel = definePipeline({
    name: 'by-label',
    version: 1,
    inputs: { points: repartitioned(telemetryMetrics, { by: ({ labels }) => labels['a'] ?? '' }) },
    outputs: { rollups: signalsRollups },
    on: {
      points({ timestamp }, _, context) {
        const counts = { sum: context.key.length }
        context.emit('rollups', { ...rollup('default\u001fcpu\u001fa=b', timestamp, 0), ...counts })
      },
    },
    keyIdleTtlMs: minutes(120),
    keyLimit: { perTask: 100, perGroup: 100, groupOf: () => '' },
  })
  const sized = (bytes: number) => point(0, { labels: { a: 'x'.repeat(bytes) } })
  const pipe = (driver: ReturnType<typeof driverOf>, record: MetricPoint) => {
    const value = driver.encode(telemetryMetrics, record)
    driver.pipeRaw(telemetryMetrics, { key: null, value, partition: 0 })
  }
  const lengths = (driver: ReturnType<typeof driverOf>) =>
    driver.read(signalsRollups).map(({ sum }) => sum)

  it.each([
    { bytes: 65_535, taken: true },
    { bytes: 65_536, taken: false },
    { bytes: 700_000, taken: false },
  ])('of $bytes bytes: taken $taken, else a dead letter', ({ bytes, taken }) => {
    const driver = createTestDriver(byLabel, { partitions: 1 })
    for (const record of [sized(bytes), sized(10)]) pipe(driver, record)
    expect(reasons(driver)).toEqual(taken ? [] : ['invalid-key'])
    driver.restart()
    for (const record of [sized(bytes), sized(10)]) pipe(driver, record)
    expect(lengths(driver)).toEqual(taken ? [bytes, 10, bytes, 10] : [10, 10])
  })

  it('take bounded memory, however long they are', () => {
    const driver = createTestDriver(byLabel, { partitions: 1 })
    for (let index = 0; index < 10; index++) pipe(driver, sized(40_000 + index))
    // 100 keys of 1 KiB in the middle are what the limit makes room for.
    expect(lengths(driver)).toEqual([40_000, 40_001])
    expect(driver.tasks[0]?.counters.refusedByKeyLimit).toBe(8)
  })

  it('that the catalogue refuses make a dead letter', () => {
    const driver = driverOf()
    pipe(driver, sized(70_000))
    expect(reasons(driver)).toEqual(['invalid-key'])
  })
})

describe('state', () => {
  it('forgets a cell for good when it is emptied and its key evicted at once', () => {
    const driver = driverOf()
    driver.pipe(telemetryMetrics, point(0, { value: 7 }))
    // One tick wakes the timer, which empties the cell, and evicts the key.
    driver.tick({ tenant: 'default', atMs: minutes(300) })
    expect(driver.tasks[0]?.keySpace.keys.size).toBe(0)
    driver.pipe(telemetryMetrics, point(minutes(301), { value: 0 }))
    driver.restart()
    driver.tick({ tenant: 'default', atMs: minutes(310) })
    const woken = driver.read(signalsRollups).filter(({ windowEnd }) => windowEnd < 0)
    expect(woken.map(({ series }) => series)).toEqual(['7', ''])
  })

  it('takes a timer at NaN as cleared, and waits for ever for one at infinity', () => {
    const driver = driverOf()
    for (let index = 0; index < 10; index++) {
      driver.pipe(telemetryMetrics, point(index, { name: 'nan', value: 1e9 }))
      driver.pipe(telemetryMetrics, point(index, { name: 'infinity', value: 2e9 }))
    }
    driver.restart()
    driver.tick({ tenant: 'default', atMs: minutes(60) })
    expect(driver.read(signalsRollups).filter(({ windowEnd }) => windowEnd < 0)).toEqual([])
  })

  it.each([
    { title: 'a value that its schema refuses', value: 404 },
    { title: 'an exception', value: 500 },
  ])('stops for good at $title from a handler', ({ value }) => {
    const driver = driverOf()
    expect(() => {
      driver.pipe(telemetryMetrics, point(0, { value }))
    }).toThrow(expect.objectContaining({ code: 'PIPELINE_FAILED' }) as Error)
  })
})

describe('records that are too large', () => {
  it.each([
    { title: 'an output', value: 413, topic: 'signals.rollups' },
    { title: 'state', value: 414, topic: changelogTopic('counting', 'note') },
  ])('stops for good at $title that its topic does not take, naming it', ({ value, topic }) => {
    const driver = driverOf()
    const failure = new RegExp(
      `record for '${topic}' needs 30\\d+ bytes and the topic takes 1048588`,
    )
    expect(() => {
      driver.pipe(telemetryMetrics, point(0, { value }))
    }).toThrow(failure)
  })

  it.each([
    { title: 'bytes that are no record', unit: undefined, reason: 'not-confluent-avro' },
    { title: 'a record on its way to another partition', unit: 'x', reason: 'record-too-large' },
  ])('puts a cut copy of $title aside and goes on', ({ unit, reason }) => {
    const driver = driverOf()
    const value =
      unit === undefined
        ? Buffer.alloc(10_000_000, 0x7f)
        : driver.encode(telemetryMetrics, point(0, { unit: unit.repeat(10_000_000) }))
    const headers = [{ key: 'own', value: Buffer.alloc(2_000_000) }]
    driver.pipeRaw(telemetryMetrics, { key: null, value, headers, partition: 0 })
    driver.pipe(telemetryMetrics, point(1))
    driver.tick({ tenant: 'default', atMs: minutes(5) })
    const [letter, ...others] = driver.readDeadLetters()
    expect(others).toEqual([])
    expect(letter?.value).toEqual(value.subarray(0, 32 * 1024))
    expect(letter?.headers).toMatchObject({
      'millrace-reason': reason,
      'millrace-origin-topic': telemetryMetrics.name,
      'millrace-origin-offset': '0',
      'millrace-cut': `key 0, value ${value.length}, headers 1`,
    })
    expect(driver.read(signalsRollups).map(({ count }) => count)).toEqual([1])
  })

  it('processes a record of 10 MB as any other', () => {
    const driver = driverOf()
    driver.pipe(telemetryMetrics, point(0, { unit: 'x'.repeat(10_000_000) }), point(1))
    driver.tick({ tenant: 'default', atMs: minutes(5) })
    expect(driver.read(signalsRollups).map(({ count }) => count)).toEqual([2])
  })
})

describe('order', () => {
  it('records however many runs a commit has, in records that fit their topic', () => {
    const recordsPerCommit = 40_000
    const driver = createTestDriver(counting, { partitions: 1, recordsPerCommit })
    const entry = {
      timestamp: 0,
      tenant: 'default',
      scope: 'x',
      version: 1,
      body: '',
      actor: '',
      reason: null,
    }
    // Written before anything is processed: configuration and data take turns.
    driver.hold(() => {
      for (let index = 0; index < 20_000; index++) {
        driver.pipe(telemetryMetrics, point(2 * index))
        driver.setBrokerTime(2 * index + 1)
        driver.pipe(controlConfig, entry)
      }
    })
    const sizes = driver.readBytes(orderTopic('counting')).map(({ value }) => value.length * 0.75)
    expect(Math.max(...sizes)).toBeLessThan(500_000)
    expect(driver.rederive().readBytes('signals.rollups')).toEqual(
      driver.readBytes('signals.rollups'),
    )
  }, 60_000)
})

describe('time', () => {
  it('goes on when the broker’s clock steps back', () => {
    const driver = driverOf()
    driver.pipe(telemetryMetrics, point(minutes(10)))
    const value = driver.encode(telemetryMetrics, point(minutes(10) + 1))
    driver.pipeRaw(telemetryMetrics, { key: null, value, partition: 0, atMs: 0 })
    driver.tick({ tenant: 'default', atMs: minutes(12) })
    expect(driver.read(signalsRollups).map(({ count }) => count)).toEqual([2])
  })

  it('puts a tick from the future aside', () => {
    const driver = driverOf()
    const tick = { timestamp: minutes(10), tenant: 'default', origin: '' }
    const value = driver.encode(controlTicks, tick)
    driver.pipeRaw(controlTicks, { key: Buffer.from('default'), value, partition: 0, atMs: 0 })
    expect(reasons(driver)).toEqual(['event-time-ahead'])
    driver.pipe(telemetryMetrics, point(0))
    expect(driver.readLate()).toEqual([])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import { seriesKey } from '../../../schemas/series-key.ts'
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
  ring,
  row,
  seconds,
  timer,
  tumbling,
  type Context,
} from '../index.ts'
import { createTestDriver, type TestDriver } from './test-driver.ts'

/** A pipeline that uses every kind of state; it encodes what it sees in rollups. */
const everything = definePipeline({
  name: 'everything',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['value']) },
  globals: {
    factor: globalTable(controlConfig, { empty: 1, fold: (_, entry) => Number(entry.body) }),
  },
  state: {
    totals: row({ count: 0, sum: 0 }),
    recent: ring({ capacity: 70 }),
    words: cell<{ words: string[] }>({
      type: 'record',
      name: 'Words',
      fields: [{ name: 'words', type: { type: 'array', items: 'string' } }],
    }),
    silence: timer(),
  },
  outputs: { rollups: signalsRollups },
  windows: {
    minute: {
      input: 'points',
      window: tumbling({ sizeMs: minutes(1), graceMs: seconds(10) }),
      row: { count: 0, sum: 0, max: Number.NEGATIVE_INFINITY },
      cell: {
        ...cell<{ last: string }>({
          type: 'record',
          name: 'Last',
          fields: [{ name: 'last', type: 'string' }],
        }),
        empty: () => ({ last: '' }),
      },
      add(point, { row, cell }) {
        row.count += 1
        row.sum += point.value
        row.max = Math.max(row.max, point.value)
        cell.set({ last: String(point.value) })
      },
      close({ row, cell }, { startMs, endMs }, { totals }, context) {
        context.emit('rollups', {
          ...rollupOf(context.key, startMs, endMs),
          count: row.count,
          sum: row.sum * context.globals.factor,
          max: row.max,
          min: totals.sum,
          series: cell.get()?.last ?? '',
        })
      },
    },
  },
  on: {
    points({ value }, { totals, recent, words, silence }, context) {
      if (value === 666) {
        context.reject('the number of the beast')
        return
      }
      totals.count += 1
      totals.sum += value
      recent.push(value)
      words.set({ words: [...(words.get()?.words ?? []), String(value)].slice(-3) })
      silence.set(context.clockMs + minutes(5))
    },
  },
  onTimer: {
    silence({ totals, recent, words }, context) {
      const { clockMs, key } = context
      emitSilence(context, {
        ...rollupOf(key, clockMs, clockMs),
        count: totals.count,
        sum: totals.sum,
        min: recent.at(0),
        max: recent.at(recent.length - 1),
        series: words.get()?.words.join() ?? '',
      })
      words.set(undefined)
    },
  },
  keyIdleTtlMs: minutes(120),
  keyLimit: { perTask: 100, perGroup: 3, groupOf: (key) => key.split('\u001f')[1] ?? '' },
})

function emitSilence(context: Context<object, { rollups: typeof signalsRollups }>, value: Rollup) {
  context.emit('rollups', value)
}

function rollupOf(key: string, windowStart: number, windowEnd: number): Rollup {
  const [tenant = '', name = '', label = ''] = key.split('\u001f')
  const labels: Record<string, string> = { label }
  const numbers = { count: 0, sum: 0, min: 0, max: 0, mean: 0, sketch: Buffer.alloc(0) }
  return { windowStart, windowEnd, tenant, series: '', name, labels, ...numbers }
}

const point = (timestamp: number, value: number, host = 'a', name = 'cpu'): MetricPoint => ({
  timestamp,
  value,
  tenant: 'default',
  name,
  labels: { host },
  unit: null,
  kind: 'unspecified',
})

const config = (body: string) => ({
  timestamp: 0,
  tenant: 'default',
  scope: 'factor',
  version: 1,
  body,
  actor: 'test',
  reason: null,
})

const summary = ({ windowStart, count, sum, min, max, series }: Rollup) =>
  [windowStart / 1_000, count, sum, min, max, series] as const

describe('windows and clocks', () => {
  it('closes a window when the key itself has passed its end and grace', () => {
    const driver = createTestDriver(everything)
    driver.pipe(telemetryMetrics, point(0, 1), point(59_999, 2), point(69_999, 4))
    expect(driver.read(signalsRollups)).toEqual([])
    driver.pipe(telemetryMetrics, point(70_000, 8))
    expect(driver.read(signalsRollups).map(summary)).toEqual([[0, 2, 3, 7, 2, '2']])
  })

  it('does not let one key move another', () => {
    const driver = createTestDriver(everything, { partitions: 1 })
    driver.pipe(telemetryMetrics, point(0, 1, 'a'), point(minutes(60), 1, 'b'), point(1, 2, 'a'))
    expect(driver.readLate()).toEqual([])
    expect(driver.read(signalsRollups)).toEqual([])
  })

  it('closes windows and wakes timers by ticks of the tenant, and of no other', () => {
    const driver = createTestDriver(everything)
    driver.pipe(telemetryMetrics, point(0, 3))
    driver.tick({ tenant: 'other', atMs: minutes(10) })
    expect(driver.read(signalsRollups)).toEqual([])
    driver.tick({ tenant: 'default', atMs: 69_999 })
    expect(driver.read(signalsRollups)).toEqual([])
    driver.tick({ tenant: 'default', atMs: 70_000 })
    expect(driver.read(signalsRollups).map(summary)).toEqual([[0, 1, 3, 3, 3, '3']])
    driver.tick({ tenant: 'default', atMs: minutes(5) - 1 })
    expect(driver.read(signalsRollups)).toHaveLength(1)
    driver.tick({ tenant: 'default', atMs: minutes(5) })
    expect(driver.read(signalsRollups).map(summary)[1]).toEqual([300, 1, 3, 3, 3, '3'])
    driver.tick({ tenant: 'default', atMs: minutes(50) })
    expect(driver.read(signalsRollups)).toHaveLength(2)
  })

  it('sends what comes after end and grace to the late output, byte for byte', () => {
    const driver = createTestDriver(everything)
    const late = point(1, 99)
    driver.pipe(telemetryMetrics, point(0, 1), point(70_000, 1), late)
    const [record, ...rest] = driver.readLate()
    expect(rest).toEqual([])
    expect(record?.value).toEqual(driver.encode(telemetryMetrics, late))
    expect(record?.headers).toMatchObject({ 'millrace-origin-topic': 'telemetry.metrics' })
  })
})

describe('keys and partitions', () => {
  it('takes records of other partitioners through the repartition topic, once', () => {
    const direct = createTestDriver(everything)
    const foreign = createTestDriver(everything)
    const points = [
      point(0, 1, 'a'),
      point(10, 2, 'b'),
      point(70_000, 4, 'a'),
      point(70_000, 4, 'b'),
    ]
    direct.pipe(telemetryMetrics, ...points)
    for (const [index, value] of points.entries()) {
      const atMs = value.timestamp
      foreign.pipeRaw(telemetryMetrics, {
        key: index % 2 === 0 ? null : Buffer.from(`whatever ${index}`),
        value: foreign.encode(telemetryMetrics, value),
        partition: index,
        atMs,
      })
    }
    const sorted = (driver: typeof direct) => driver.read(signalsRollups).map(summary).sort()
    expect(sorted(foreign)).toEqual(sorted(direct))
    const repartitioned = foreign.tasks.reduce((sum, task) => sum + task.counters.repartitioned, 0)
    expect(repartitioned).toBe(4)
    expect(direct.tasks.reduce((sum, task) => sum + task.counters.repartitioned, 0)).toBe(0)
  })

  it('keeps the headers of a record on its way to another partition', () => {
    const driver = createTestDriver(everything)
    driver.pipeRaw(telemetryMetrics, {
      key: null,
      value: driver.encode(telemetryMetrics, point(1_000, 666)),
      headers: [{ key: 'trace', value: Buffer.from('abc-123') }],
      partition: 3,
      atMs: 1_000,
    })
    expect(driver.readDeadLetters().map(({ headers }) => headers['trace'])).toEqual(['abc-123'])
  })

  it('does not let a tick overtake records on their way through the repartition topic', () => {
    const driver = createTestDriver(everything)
    driver.pipeRaw(telemetryMetrics, {
      key: null,
      value: driver.encode(telemetryMetrics, point(1_000, 5)),
      partition: 2,
      atMs: 1_000,
    })
    driver.tick({ tenant: 'default', atMs: minutes(2) })
    expect(driver.readLate()).toEqual([])
    expect(driver.read(signalsRollups).map(summary)).toEqual([[0, 1, 5, 5, 5, '5']])
  })

  it('refuses new keys beyond the limit of their group, and counts them', () => {
    const driver = createTestDriver(everything, { partitions: 1 })
    for (const host of ['a', 'b', 'c', 'd', 'e', 'a'])
      driver.pipe(telemetryMetrics, point(0, 1, host))
    driver.pipe(telemetryMetrics, point(0, 1, 'a', 'memory'))
    expect(driver.tasks[0]?.counters.refusedByKeyLimit).toBe(2)
    expect(driver.tasks[0]?.keySpace.keys.size).toBe(4)
  })

  it('forgets keys that stand still, and starts afresh when they come back', () => {
    const driver = createTestDriver(everything, { partitions: 1 })
    driver.pipe(telemetryMetrics, point(0, 1))
    driver.tick({ tenant: 'default', atMs: minutes(119) })
    expect(driver.tasks[0]?.keySpace.keys.size).toBe(1)
    driver.tick({ tenant: 'default', atMs: minutes(180) })
    expect(driver.tasks[0]?.keySpace.keys.size).toBe(0)
    driver.restart()
    expect(driver.tasks[0]?.keySpace.keys.size).toBe(0)
    driver.pipe(telemetryMetrics, point(minutes(181), 10))
    driver.tick({ tenant: 'default', atMs: minutes(183) })
    expect(driver.read(signalsRollups).map(summary).at(-1)).toEqual([
      minutes(181) / 1000,
      1,
      10,
      10,
      10,
      '10',
    ])
  })
})

describe('bad input', () => {
  const value = (change: Partial<MetricPoint>) => ({ ...point(1_000, 1), ...change })
  const key = Buffer.from(seriesKey(point(0, 0)))
  const cases = [
    { title: 'no value', reason: 'missing-value', bytes: () => null },
    {
      title: 'bytes that are not Avro',
      reason: 'not-confluent-avro',
      bytes: () => Buffer.from('{}'),
    },
    { title: 'an empty value', reason: 'not-confluent-avro', bytes: () => Buffer.alloc(0) },
    {
      title: 'an unknown schema',
      reason: 'unknown-schema',
      bytes: () => Buffer.from([0, 0, 0, 9, 9, 1]),
    },
    {
      title: 'a value of another topic',
      reason: 'malformed-value',
      bytes: (driver: TestDriver) =>
        driver.encode(controlTicks, { timestamp: 1, tenant: 'default', origin: 'test' }),
    },
    { title: 'a truncated value', reason: 'malformed-value', change: {}, cut: 3 },
    { title: 'NaN', reason: 'non-finite-value', change: { value: Number.NaN } },
    { title: 'infinity', reason: 'non-finite-value', change: { value: -Infinity } },
    { title: '1969', reason: 'event-time-before-1970', change: { timestamp: -1 } },
    { title: 'the future', reason: 'event-time-ahead', change: { timestamp: 61_001 } },
    { title: 'a separator in a label', reason: 'invalid-key', change: { labels: { a: '\u001f' } } },
  ]
  it.each(cases)(
    'makes $title a dead letter ($reason) and goes on',
    ({ reason, bytes, change, cut }) => {
      const driver = createTestDriver(everything, { partitions: 1 })
      const record = change
        ? driver['encode'](telemetryMetrics, value(change))
        : (bytes?.(driver) ?? null)
      const sent = cut === undefined ? record : (record?.subarray(0, cut + 5) ?? null)
      driver.pipeRaw(telemetryMetrics, { key, value: sent, partition: 0, atMs: 1_000 })
      driver.pipe(telemetryMetrics, point(1_000, 7))
      expect(driver.readDeadLetters().map(({ headers }) => headers['millrace-reason'])).toEqual([
        reason,
      ])
      expect(driver.readDeadLetters()[0]?.value ?? null).toEqual(sent)
      driver.tick({ tenant: 'default', atMs: minutes(2) })
      expect(driver.read(signalsRollups).map(({ sum }) => sum)).toEqual([7])
    },
  )

  it('takes 60 s ahead of the arrival, and no more', () => {
    const driver = createTestDriver(everything, { partitions: 1 })
    const bytes = driver.encode(telemetryMetrics, value({ timestamp: 61_000 }))
    driver.pipeRaw(telemetryMetrics, { key, value: bytes, partition: 0, atMs: 1_000 })
    expect(driver.readDeadLetters()).toEqual([])
  })

  it('lets a handler reject a record with its reason', () => {
    const driver = createTestDriver(everything)
    driver.pipe(telemetryMetrics, point(0, 666))
    expect(driver.readDeadLetters().map(({ headers }) => headers['millrace-detail'])).toEqual([
      'the number of the beast',
    ])
  })
})

describe('determinism', () => {
  interface Step {
    readonly kind: 'point' | 'tick' | 'config' | 'foreign'
    readonly atMs: number
    readonly value: number
    readonly host: string
  }
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('point', 'point', 'point', 'foreign', 'tick', 'config'),
    atMs: fc.nat({ max: minutes(20) }),
    value: fc.constantFrom(1, 2, 3, 666, Number.NaN),
    // No more hosts than the key limit allows: which key is one too many depends on the partition.
    host: fc.constantFrom('a', 'b', 'c'),
  })
  const steps = fc.array(step, { minLength: 1, maxLength: 40 })
  const play = (driver: ReturnType<typeof createTestDriver>, { kind, atMs, value, host }: Step) => {
    const record = point(atMs, value, host)
    if (kind === 'tick') driver.tick({ tenant: 'default', atMs })
    else if (kind === 'config') driver.pipe(controlConfig, config(String(value)))
    else if (kind === 'point') driver.pipe(telemetryMetrics, record)
    else {
      const bytes = driver.encode(telemetryMetrics, record)
      driver.pipeRaw(telemetryMetrics, { key: null, value: bytes, partition: atMs % 4, atMs })
    }
  }
  /** Per key in order; keys that are due at the same tick may come in any order. */
  const outputs = (driver: ReturnType<typeof createTestDriver>) =>
    ['signals.rollups', 'everything.late', 'everything.dead-letter'].map((topic) =>
      Map.groupBy(driver.readBytes(topic), ({ partition, key }) => `${partition} ${key}`),
    )

  it('gives the same bytes with a restart at any point, any batching, any commit size', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.integer({ min: 1, max: 5 }), (list, cutSeed, size) => {
        const whole = createTestDriver(everything)
        const cut = createTestDriver(everything, { recordsPerCommit: size, batchesPerFetch: size })
        for (const [index, entry] of list.entries()) {
          play(whole, entry)
          if (index === cutSeed % list.length) cut.restart()
          play(cut, entry)
        }
        cut.restart()
        expect(outputs(cut)).toEqual(outputs(whole))
      }),
      { numRuns: 40 },
    )
  })

  it('re-derives the same bytes from the recorded order', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const driver = createTestDriver(everything)
        for (const entry of list) play(driver, entry)
        expect(outputs(driver.rederive())).toEqual(outputs(driver))
      }),
      { numRuns: 25 },
    )
  })

  it('gives the same per key over 1, 2 and 4 partitions', () => {
    const inOrder = steps.map((list) => [...list].sort((a, b) => a.atMs - b.atMs))
    fc.assert(
      fc.property(inOrder, (list) => {
        const results = [1, 2, 4].map((partitions) => {
          const driver = createTestDriver(everything, { partitions })
          for (const entry of list.filter(({ kind }) => kind !== 'foreign')) play(driver, entry)
          return driver
            .readBytes('signals.rollups')
            .map(({ key, value }) => `${key} ${value}`)
            .sort()
        })
        expect(results[1]).toEqual(results[0])
        expect(results[2]).toEqual(results[0])
      }),
      { numRuns: 20 },
    )
  })
})

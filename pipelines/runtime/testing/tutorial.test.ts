/**
 * The tutorial: a complete pipeline, and what one tests of a pipeline.
 *
 * pipelines/runtime/README.md explains it step by step. Its code blocks are taken from here word
 * for word, which the last test holds.
 */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { parseSeriesKey, seriesKey, type SeriesIdentity } from '../../../schemas/series-key.ts'
import { defineTopic } from '../../../schemas/topic.ts'
import { controlConfig, telemetryMetrics } from '../../../schemas/topics.ts'
import {
  copartitioned,
  days,
  definePipeline,
  defineRawPipeline,
  globalTable,
  minutes,
  raw,
  row,
  seconds,
  session,
  timer,
  tumbling,
  Undecodable,
} from '../index.ts'
import { createTestDriver } from './test-driver.ts'

interface Level extends SeriesIdentity {
  readonly timestamp: number
  readonly kind: string // 'high' or 'silent'
  readonly value: number
}

const signalsLevels = defineTopic<Level>({
  name: 'signals.levels',
  summary: 'Minutes in which a series stayed above the limit, and series that fell silent.',
  schema: {
    type: 'record',
    name: 'Level',
    namespace: 'tutorial',
    fields: [
      { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'kind', type: 'string' },
      { name: 'value', type: 'double' },
      { name: 'tenant', type: 'string' },
      { name: 'name', type: 'string' },
      { name: 'labels', type: { type: 'map', values: 'string' } },
    ],
  },
  keyOf: seriesKey,
  keyText: telemetryMetrics.keyText,
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: ['value'],
  partitions: 'spread',
  retention: telemetryMetrics.retention,
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'pipelines/levels',
  flow: 'out',
})

const levels = definePipeline({
  name: 'levels',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
  globals: {
    limit: globalTable(controlConfig, {
      empty: 100,
      fold: (limit, { scope, body }) => (scope === 'levels' ? Number(body) : limit),
    }),
  },
  state: { last: row({ value: 0 }), silence: timer() },
  outputs: { levels: signalsLevels },
  windows: {
    minute: {
      input: 'points',
      window: tumbling({ sizeMs: minutes(1), graceMs: seconds(10) }),
      row: { min: Number.POSITIVE_INFINITY },
      add({ value }, { row }) {
        row.min = Math.min(row.min, value)
      },
      close({ row }, { startMs }, _state, context) {
        if (row.min <= context.globals.limit) return
        const series = parseSeriesKey(context.key)
        context.emit('levels', { ...series, kind: 'high', timestamp: startMs, value: row.min })
      },
    },
  },
  on: {
    points({ timestamp, value }, { last, silence }, context) {
      if (value < 0) {
        context.reject(`a level of ${String(value)} is below zero`)
        return
      }
      last.value = value
      silence.set(timestamp + minutes(5))
    },
  },
  onTimer: {
    silence({ last }, context) {
      const series = parseSeriesKey(context.key)
      const timestamp = context.clockMs
      context.emit('levels', { ...series, kind: 'silent', timestamp, value: last.value })
    },
  },
  keyIdleTtlMs: days(7),
  keyLimit: { perTask: 100_000, perGroup: 10_000, groupOf: (key) => parseSeriesKey(key).name },
})

const outages = definePipeline({
  name: 'outages',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['value']) },
  outputs: { levels: signalsLevels },
  windows: {
    outage: {
      input: 'points',
      window: session({ gapMs: minutes(5), graceMs: seconds(30), maxLengthMs: days(1) }),
      row: { worst: Number.NEGATIVE_INFINITY },
      add({ value }, { row }) {
        row.worst = Math.max(row.worst, value)
      },
      merge(target, source) {
        target.row.worst = Math.max(target.row.worst, source.row.worst)
      },
      close({ row }, { startMs, endMs }, _state, context) {
        const series = parseSeriesKey(context.key)
        const kind = `from ${String(startMs)} to ${String(endMs - minutes(5))}`
        context.emit('levels', { ...series, kind, timestamp: endMs, value: row.worst })
      },
    },
  },
  keyIdleTtlMs: days(7),
  keyLimit: { perTask: 100_000, perGroup: 10_000, groupOf: (key) => parseSeriesKey(key).name },
})

const startMs = Date.UTC(2026, 0, 1)
const point = (second: number, value: number, host = 'a'): MetricPoint => ({
  timestamp: startMs + seconds(second),
  value,
  tenant: 'default',
  name: 'queue.depth',
  labels: { host },
  unit: null,
  kind: 'unspecified',
})
const said = (driver: ReturnType<typeof createTestDriver>) =>
  driver.read(signalsLevels).map(({ kind, value }) => `${kind} ${String(value)}`)

it('emits when a window closes: here by a later point of the same key', () => {
  const driver = createTestDriver(levels)
  driver.pipe(telemetryMetrics, point(0, 120), point(30, 110), point(69, 1))
  expect(said(driver)).toEqual([]) // the minute is over, its grace is not
  driver.pipe(telemetryMetrics, point(70, 1))
  expect(said(driver)).toEqual(['high 110'])
})

it('brings together what follows each other within the gap, in whatever order it comes', () => {
  const driver = createTestDriver(outages)
  driver.pipe(telemetryMetrics, point(20, 9), point(0, 2), point(270, 4), point(500, 3))
  driver.tick({ tenant: 'default', atMs: startMs + seconds(830) })
  expect(said(driver)).toEqual([`from ${String(startMs)} to ${String(startMs + 500_000)} 9`])
})

it('wakes a silent key by the ticks of its tenant', () => {
  const driver = createTestDriver(levels)
  driver.pipe(telemetryMetrics, point(0, 7))
  driver.tick({ tenant: 'another', atMs: startMs + minutes(60) })
  expect(said(driver)).toEqual([])
  driver.tick({ tenant: 'default', atMs: startMs + minutes(5) })
  expect(said(driver)).toEqual(['silent 7'])
})

it('follows a changed configuration', () => {
  const driver = createTestDriver(levels)
  driver.pipe(controlConfig, {
    timestamp: startMs,
    tenant: 'default',
    scope: 'levels',
    version: 1,
    body: '10',
    actor: 'a test',
    reason: null,
  })
  driver.pipe(telemetryMetrics, point(0, 20), point(70, 1))
  expect(said(driver)).toEqual(['high 20'])
})

it('puts aside what is late or refused', () => {
  const driver = createTestDriver(levels)
  driver.pipe(telemetryMetrics, point(70, 1), point(0, 120), point(71, -1))
  expect(driver.readLate()).toHaveLength(1)
  expect(driver.readDeadLetters()[0]?.headers).toMatchObject({
    'millrace-reason': 'rejected',
    'millrace-detail': 'a level of -1 is below zero',
  })
})

const story = [point(0, 120), point(1, 130, 'b'), point(30, 110), point(70, 1), point(75, 140, 'b')]

const cuts = story.map((_, index) => index)

it.each(cuts)('goes on after a restart behind %i points as if nothing had been', (cut) => {
  const whole = createTestDriver(levels)
  whole.pipe(telemetryMetrics, ...story)
  const restarted = createTestDriver(levels)
  restarted.pipe(telemetryMetrics, ...story.slice(0, cut))
  restarted.restart()
  restarted.pipe(telemetryMetrics, ...story.slice(cut))
  for (const driver of [whole, restarted]) {
    driver.tick({ tenant: 'default', atMs: startMs + minutes(10) })
  }
  expect(restarted.readBytes('signals.levels')).toEqual(whole.readBytes('signals.levels'))
})

it('says the same again when its recorded order is followed', () => {
  const driver = createTestDriver(levels, { recordsPerCommit: 2 })
  driver.pipe(telemetryMetrics, ...story)
  driver.tick({ tenant: 'default', atMs: startMs + minutes(10) })
  const again = driver.rederive()
  expect(again.readBytes('signals.levels')).toEqual(driver.readBytes('signals.levels'))
  expect(said(driver)).toHaveLength(5)
})

const sensors = defineRawPipeline({
  name: 'sensors',
  version: 1,
  inputs: {
    readings: raw('sensors.readings', {
      decode: ({ value }) => {
        const match = /^(\d+)((?: [a-z]+=\d+)+)$/.exec(value?.toString('utf8') ?? '')
        if (match === null) return new Undecodable('expected a time and name=value pairs')
        return { timestamp: Number(match[1]), pairs: (match[2] ?? '').trim().split(' ') }
      },
    }),
  },
  outputs: { points: telemetryMetrics },
  on: {
    readings({ timestamp, pairs }, _state, context) {
      for (const pair of pairs) {
        const [name = '', value] = pair.split('=')
        const series = { tenant: 'default', name, labels: {} }
        const point = {
          ...series,
          timestamp,
          value: Number(value),
          unit: null,
          kind: 'gauge' as const,
        }
        const fault = context.emit('points', point)
        if (fault !== undefined) context.reject(`${name}: ${fault}`)
      }
    },
  },
})

it('takes from a record of others what can be written, and puts aside what cannot be read', () => {
  const driver = createTestDriver(sensors, { rawPartitions: { 'sensors.readings': 1 } })
  for (const text of ['1000 hall=20 attic=31', 'hall 20']) {
    driver.pipeRaw(
      { name: 'sensors.readings' },
      { key: null, value: Buffer.from(text), partition: 0 },
    )
  }
  const names = driver.read(telemetryMetrics).map(({ name }) => name)
  expect(names.sort()).toEqual(['attic', 'hall'])
  expect(driver.readDeadLetters().map(({ headers }) => headers['millrace-detail'])).toEqual([
    'expected a time and name=value pairs',
  ])
})

it('stands in the README word for word', () => {
  const own = readFileSync(new URL(import.meta.url), 'utf8')
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => block)
  expect(blocks.length).toBeGreaterThan(0)
  for (const block of blocks) expect(own).toContain(block)
})

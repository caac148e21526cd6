/**
 * Brokers whose clocks differ, or step back: no tick overtakes data on its way to another task.
 * Append times alone cannot tell; the offsets that passed-on ticks carry do.
 */
import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import { KEY_SEPARATOR } from '../../../schemas/topic.ts'
import { signalsBaselines, signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import {
  copartitioned,
  definePipeline,
  minutes,
  repartitioned,
  seconds,
  tumbling,
} from '../index.ts'
import { createTestDriver, type TestDriver, type TestDriverOptions } from './test-driver.ts'

const limits = {
  keyIdleTtlMs: minutes(600),
  keyLimit: { perTask: 100, perGroup: 100, groupOf: () => '' },
}
const empty = { labels: {}, ...{ min: 0, max: 0, mean: 0 }, sketch: Buffer.alloc(0) }

/** Counts per minute and metric name: every record takes the way through the repartition topic. */
const perName = definePipeline({
  name: 'rollups',
  version: 1,
  inputs: { points: repartitioned(telemetryMetrics, { by: ({ name }) => name }) },
  outputs: { rollups: signalsRollups },
  windows: {
    minute: {
      input: 'points',
      window: tumbling({ sizeMs: minutes(1), graceMs: 0 }),
      row: { count: 0, sum: 0 },
      add({ value }, { row }) {
        row.count += 1
        row.sum += value
      },
      close({ row }, { startMs, endMs }, _, context) {
        const { key } = context
        const { count, sum } = row
        const window = { windowStart: startMs, windowEnd: endMs }
        context.emit('rollups', {
          ...empty,
          ...window,
          count,
          sum,
          tenant: 'default',
          series: '',
          name: key,
        })
      },
    },
  },
  ...limits,
})

/** Counts what the first stage says, in windows that close just when its ticks say they may. */
const perTwoMinutes = definePipeline({
  name: 'stage-two',
  version: 1,
  inputs: { rollups: copartitioned(signalsRollups) },
  outputs: { baselines: signalsBaselines },
  windows: {
    two: {
      input: 'rollups',
      window: tumbling({ sizeMs: minutes(2), graceMs: 0 }),
      row: { count: 0 },
      add({ count }, { row }) {
        row.count += count
      },
      close({ row }, { endMs }, _, context) {
        const { key } = context
        const judged = { detector: '', detectorVersion: 1, samples: row.count }
        const band = { expected: 0, lower: 0, upper: 0, spread: 0 }
        const of = {
          timestamp: endMs,
          tenant: 'default',
          series: '',
          name: nameIn(key),
          labels: {},
        }
        context.emit('baselines', { ...of, ...judged, ...band })
      },
    },
  },
  ...limits,
})

const nameIn = (key: string): string => key.split(KEY_SEPARATOR)[1] ?? ''

const HOSTS = 5
const NAMES = ['cpu', 'memory', 'disk', 'net']
const LAST_MINUTE = 4

const pointsOf = (minute: number): MetricPoint[] =>
  NAMES.flatMap((name) =>
    Array.from({ length: HOSTS }, (_, host) => ({
      timestamp: minutes(minute) + seconds(1),
      value: 1,
      tenant: 'default',
      name,
      labels: { host: String(host) },
      unit: null,
      kind: 'unspecified',
    })),
  )

/** Each minute's points and the tick behind them are there before anything of it is processed. */
const play = (driver: TestDriver): void => {
  for (let minute = 0; minute <= LAST_MINUTE; minute++) {
    driver.hold(() => {
      driver.pipe(telemetryMetrics, ...pointsOf(minute))
      driver.tick({ tenant: 'default', atMs: minutes(minute + 1) })
    })
  }
}

const clocks: { title: string; skewMs: NonNullable<TestDriverOptions['skewMs']> }[] = [
  { title: 'one clock', skewMs: () => 0 },
  {
    title: 'the broker of the ticks behind that of the data',
    skewMs: ({ topic }) => (topic.endsWith('.ticks') ? -80 : 0),
  },
  {
    title: 'the broker of the data ahead',
    skewMs: ({ topic }) => (topic.endsWith('.repartition') || topic === 'signals.rollups' ? 50 : 0),
  },
  {
    title: 'another clock per partition',
    skewMs: ({ topic, partition }) => ((topic.length * 31 + partition * 17) % 7) * 20 - 60,
  },
  { title: 'clocks that step back now and then', skewMs: steppingBack() },
]

function steppingBack(): NonNullable<TestDriverOptions['skewMs']> {
  let appended = 0
  return () => {
    appended += 1
    return -((appended * 7919) % 13) * 10
  }
}

describe.each(clocks)('with $title', ({ skewMs }) => {
  const everyMinute = (rollups: readonly Rollup[]) =>
    rollups.map(({ name, windowStart, count }) => `${name} ${windowStart / 60_000} ${count}`).sort()
  const expected = NAMES.flatMap((name) =>
    Array.from({ length: LAST_MINUTE + 1 }, (_, minute) => `${name} ${minute} ${HOSTS}`),
  ).sort()

  it.each([{ recordsPerCommit: 3 }, { recordsPerCommit: 10_000 }])(
    'nothing is late, through the repartition topic and into a second stage ($recordsPerCommit per commit)',
    ({ recordsPerCommit }) => {
      const first = createTestDriver(perName, { skewMs, recordsPerCommit })
      const second = first.chain(perTwoMinutes)
      play(first)
      expect(first.readLate()).toEqual([])
      expect(everyMinute(first.read(signalsRollups))).toEqual(expected)
      expect(second.readLate()).toEqual([])
      const counts = second.read(signalsBaselines).map(({ samples }) => samples)
      // The last window is open: two full ones per name.
      expect(counts).toEqual(Array.from({ length: 2 * NAMES.length }, () => 2 * HOSTS))
    },
  )

  it('a restart of all tasks changes nothing', () => {
    const first = createTestDriver(perName, { skewMs, recordsPerCommit: 5 })
    const second = first.chain(perTwoMinutes)
    for (let minute = 0; minute <= LAST_MINUTE; minute++) {
      first.hold(() => {
        first.pipe(telemetryMetrics, ...pointsOf(minute))
        first.tick({ tenant: 'default', atMs: minutes(minute + 1) })
      })
      first.restart()
      second.restart()
    }
    expect(first.readLate()).toEqual([])
    expect(second.readLate()).toEqual([])
    expect(everyMinute(first.read(signalsRollups))).toEqual(expected)
  })

  it('the recorded order gives the same bytes', () => {
    const driver = createTestDriver(perName, { skewMs, recordsPerCommit: 7 })
    play(driver)
    const bytes = (of: TestDriver) => of.readBytes('signals.rollups')
    expect(bytes(driver.rederive())).toEqual(bytes(driver))
  })
})

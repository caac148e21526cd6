import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Anomaly } from '../../schemas/generated/signals-anomalies.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import {
  controlConfig,
  signalsAnomalies,
  signalsBaselines,
  telemetryMetrics,
} from '../../schemas/topics.ts'
import { createTestDriver, type TestDriver } from '../runtime/testing/test-driver.ts'
import { anomalies } from './pipeline.ts'

const START_MS = Date.UTC(2026, 0, 20, 10)
const STEP_MS = 5_000
const at = (step: number): number => START_MS + step * STEP_MS

interface SeriesOptions {
  readonly name?: string
  readonly labels?: Record<string, string>
  readonly stepMs?: number
}

const point = (step: number, value: number, series: SeriesOptions = {}): MetricPoint => ({
  timestamp: START_MS + step * (series.stepMs ?? STEP_MS),
  value,
  tenant: 'default',
  name: series.name ?? 'latency_ms',
  labels: series.labels ?? { service: 'payment' },
  unit: null,
  kind: 'unspecified',
})

const pointsOf = (values: readonly number[], series?: SeriesOptions): MetricPoint[] =>
  values.map((value, step) => point(step, value, series))

/** 100 +- 1. */
const calm = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => (index % 2 === 0 ? 99 : 101))

const drive = (values: readonly number[], series?: SeriesOptions): TestDriver => {
  const driver = createTestDriver(anomalies, { partitions: 1 })
  driver.pipe(telemetryMetrics, ...pointsOf(values, series))
  return driver
}

const anomaliesOf = (driver: TestDriver): Anomaly[] => driver.read(signalsAnomalies)
const phasesOf = (driver: TestDriver): string[] => anomaliesOf(driver).map(({ phase }) => phase)
const evidenceOf = (anomaly: Anomaly | undefined, name: string) =>
  anomaly?.evidence.find((evidence) => evidence.name === name)

const configure = (driver: TestDriver, version: number, body: unknown, step = 0): void => {
  driver.pipe(controlConfig, {
    timestamp: at(step),
    tenant: 'default',
    scope: 'detectors',
    version,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    actor: 'test',
    reason: null,
  })
}

describe('golden values', () => {
  it('a latency of 1500 ms at mean 108.38, deviation 5.7436 (S5-34, S5-40)', () => {
    const half = 5.7436 * Math.sqrt(999 / 1_000)
    const history = Array.from(
      { length: 1_000 },
      (_, index) => 108.38 + (index % 2 === 0 ? half : -half),
    )
    const driver = drive([...history, 1_500], {
      name: 'latency',
      labels: { service: 'payment-api' },
    })
    const [raised] = anomaliesOf(driver)
    expect(raised).toMatchObject({
      revision: 1,
      phase: 'open',
      kind: 'metric',
      service: 'payment-api',
      value: 1_500,
      peakValue: 1_500,
      severity: 'critical',
      detector: 'zscore',
      detectorVersion: 1,
      configVersion: 0,
      start: at(1_000),
      peak: at(1_000),
      end: null,
      message:
        'latency of payment-api is 1,500, 242.3 standard deviations above its usual 108.4 (normal range 94 to 122.7)',
    })
    expect(raised?.score).toBeCloseTo(242.29, 1)
    expect(evidenceOf(raised, 'mean')?.value).toBeCloseTo(108.38, 6)
    expect(evidenceOf(raised, 'stddev')?.value).toBeCloseTo(5.7436, 3)
    expect(evidenceOf(raised, 'deviationPercent')?.value).toBeCloseTo(1_284.0, 1)
    expect(evidenceOf(raised, 'samples')?.value).toBe(1_000)
    expect(evidenceOf(raised, 'threshold')?.value).toBe(4)
  })

  it('/payment from 180 ms to 600 ms, by ratio (S3-10, X-04)', () => {
    const driver = createTestDriver(anomalies, { partitions: 1 })
    configure(driver, 1, { rules: [{ match: { name: 'latency_ms' }, detector: 'ewma-ratio' }] })
    const labels = { endpoint: '/payment' }
    driver.pipe(telemetryMetrics, ...pointsOf([...Array<number>(30).fill(180), 600], { labels }))
    expect(anomaliesOf(driver)).toMatchObject([
      {
        severity: 'medium',
        detector: 'ewma-ratio',
        configVersion: 1,
        expected: 180,
        upper: 540,
        message:
          'latency (endpoint /payment) is 600 ms, 3.33 times its usual 180 ms (normal up to 540)',
      },
    ])
  })

  it('/payment from 180 ms to 600 ms, as shipped (S3-10)', () => {
    const [raised] = anomaliesOf(drive([...calm(30).map((value) => value + 80), 600]))
    expect(raised).toMatchObject({ severity: 'critical', value: 600, expected: 180 })
  })

  it('cpu of a machine', () => {
    const usual = Array.from({ length: 200 }, (_, index) => 0.41 + (index % 2 === 0 ? 0.03 : -0.03))
    const series = { name: 'system.cpu.utilization', labels: { host: 'web-1' } }
    expect(anomaliesOf(drive([...usual, 0.931], series))[0]?.message).toBe(
      'cpu utilization of host web-1 is 93.1 %, 17.3 standard deviations above its usual 41 % (normal range 26 to 56)',
    )
  })
})

it.each([
  { learned: 9, phases: [] },
  { learned: 10, phases: ['open'] },
])('a spike after $learned points: $phases (S5-19)', ({ learned, phases }) => {
  expect(phasesOf(drive([...calm(learned), 500]))).toEqual(phases)
})

it('is silent on a calm series, and on latency within its baseline (S5-33)', () => {
  expect(anomaliesOf(drive([...calm(2_500), 100]))).toEqual([])
})

it('learns each series by itself (S5-21)', () => {
  const driver = createTestDriver(anomalies)
  for (const service of ['a', 'b', 'c', 'd', 'e']) {
    driver.pipe(telemetryMetrics, ...pointsOf(calm(20), { labels: { service } }))
  }
  driver.pipe(telemetryMetrics, point(20, 500, { labels: { service: 'c' } }))
  driver.pipe(telemetryMetrics, point(20, 500, { labels: { service: 'new' } }))
  expect(anomaliesOf(driver).map(({ service }) => service)).toEqual(['c'])
})

describe('an episode', () => {
  const spike = [...calm(50), 120, ...calm(20)]

  it('is one anomaly with begin and end, not a record per point', () => {
    const driver = drive([...calm(50), 120, 121, 119, 120, ...calm(20)])
    const [open, closed, ...more] = anomaliesOf(driver)
    expect(more).toEqual([])
    expect(open).toMatchObject({ revision: 1, phase: 'open', start: at(50), end: null, value: 120 })
    expect(closed).toMatchObject({
      id: open?.id,
      revision: 2,
      phase: 'closed',
      start: at(50),
      end: at(54),
      severity: 'critical',
      message: expect.stringContaining('is back to normal at 101 ms after 20 s'),
    })
    expect(evidenceOf(closed, 'endReason')?.detail).toBe('recovered')
    expect(evidenceOf(closed, 'anomalousPoints')?.value).toBe(4)
  })

  it('closes when enough normal points have come and the hold time has passed', () => {
    // The anomalous point is at step 50; 12 steps of 5 s make the hold time of 60 s.
    expect(phasesOf(drive(spike.slice(0, 62)))).toEqual(['open'])
    expect(phasesOf(drive(spike.slice(0, 63)))).toEqual(['open', 'closed'])
  })

  it('does not close and open again while a series flaps', () => {
    const flapping = Array.from({ length: 10 }, () => [120, 99, 101, 99]).flat()
    const phases = phasesOf(drive([...calm(200), ...flapping, ...calm(30)]))
    expect(phases.filter((phase) => phase === 'open')).toHaveLength(1)
    expect(phases.at(-1)).toBe('closed')
  })

  it('is not ended by points on the edge of the band (P1)', () => {
    const edge = Array.from({ length: 18 }, () => 102.4)
    expect(phasesOf(drive([...calm(500), 120, ...edge]))).toEqual(['open'])
    expect(phasesOf(drive([...calm(500), 120, ...edge, ...calm(3)]))).toEqual(['open', 'closed'])
  })

  it('is ended by points on a side that is not watched', () => {
    const driver = createTestDriver(anomalies, { partitions: 1 })
    configure(driver, 1, { rules: [{ direction: 'up' }] })
    const low = Array.from({ length: 13 }, () => 90)
    driver.pipe(telemetryMetrics, ...pointsOf([...calm(500), 120, ...low]))
    expect(phasesOf(driver)).toEqual(['open', 'closed'])
  })

  it('is told again when it gets clearly worse, and not for each point', () => {
    const driver = drive([...calm(200), 103.2, 103.3, 104.5, 104.6, 110, 111, 109])
    const told = anomaliesOf(driver)
    expect(told.map(({ phase, severity, value }) => [phase, severity, value])).toEqual([
      ['open', 'high', 103.2],
      ['peak', 'critical', 104.5],
      ['peak', 'critical', 110],
    ])
    expect(new Set(told.map(({ id }) => id)).size).toBe(1)
    expect(told.map(({ revision }) => revision)).toEqual([1, 2, 3])
  })

  it('has at most ten revisions', () => {
    const growing = Array.from({ length: 40 }, (_, index) => 110 * 4 ** index)
    const told = anomaliesOf(drive([...calm(200), ...growing, ...calm(40)]))
    expect(told.length).toBeLessThanOrEqual(10)
    expect(told.at(-1)).toMatchObject({ phase: 'closed', peakValue: 110 * 4 ** 39 })
  })

  it('ends when no data comes, by a tick', () => {
    const driver = drive([...calm(50), 120])
    driver.tick({ tenant: 'default', atMs: at(50) + 599_000 })
    expect(phasesOf(driver)).toEqual(['open'])
    driver.tick({ tenant: 'default', atMs: at(50) + 700_000 })
    const closed = anomaliesOf(driver)[1]
    expect(closed).toMatchObject({ phase: 'closed', end: at(50), timestamp: at(50) + 600_000 })
    expect(evidenceOf(closed, 'endReason')?.detail).toBe('no-data')
    expect(closed?.message).toContain('has sent no data for 10 min; its last value was 120 ms')
  })

  it('ends the same way when the next point comes before any tick', () => {
    const ticked = drive([...calm(50), 120])
    ticked.tick({ tenant: 'default', atMs: at(300) })
    const pointed = drive([...calm(50), 120])
    pointed.pipe(telemetryMetrics, point(300, 100))
    expect(anomaliesOf(pointed)).toEqual(anomaliesOf(ticked))
  })

  it('waits for slow series: five of their intervals', () => {
    const hourly = { stepMs: 3_600_000 }
    const driver = drive([...calm(50), 120], hourly)
    driver.tick({ tenant: 'default', atMs: START_MS + 54.9 * 3_600_000 })
    expect(phasesOf(driver)).toEqual(['open'])
    driver.tick({ tenant: 'default', atMs: START_MS + 55.1 * 3_600_000 })
    expect(phasesOf(driver)).toEqual(['open', 'closed'])
  })
})

describe('what it learns', () => {
  it('from a spike: next to nothing', () => {
    const told = anomaliesOf(drive([...calm(100), 1e6, ...calm(99), 120]))
    expect(told.filter(({ phase }) => phase === 'open').map(({ value }) => value)).toEqual([
      1e6, 120,
    ])
    expect(told.at(-1)?.expected).toBeLessThan(100.2)
  })

  it.each([
    { title: 'a small one', level: 110 },
    { title: 'a large one', level: 10_000 },
    { title: 'a drop', level: 0 },
  ])('from a lasting level shift, $title: the new level, in bounded time', ({ level }) => {
    const shifted = calm(1_200).map((value) => value - 100 + level)
    const driver = drive([...calm(1_000), ...shifted])
    const told = anomaliesOf(driver)
    expect(told.filter(({ phase }) => phase === 'open')).toHaveLength(1)
    expect(told.at(-1)).toMatchObject({ phase: 'closed' })
    expect((told.at(-1)!.timestamp - at(1_000)) / STEP_MS).toBeLessThanOrEqual(262)
    expect(driver.read(signalsBaselines).at(-1)!.upper).toBeGreaterThan(level)
    // The new level is watched like the old one.
    driver.pipe(telemetryMetrics, point(2_300, level + 40_000))
    expect(anomaliesOf(driver).at(-1)).toMatchObject({ phase: 'open', severity: 'critical' })
  })

  it('says so when it takes a level as the new normal', () => {
    const told = anomaliesOf(drive([...calm(1_000), ...calm(300).map((value) => value + 1e6)]))
    const closed = told.at(-1)
    expect(evidenceOf(closed, 'endReason')?.detail).toBe('new-level')
    expect(closed?.message).toContain('(250 points): 1,000,101 ms is taken as its new level')
  })
})

describe('points out of order', () => {
  it.each([
    { title: 'a duplicate', step: 50 },
    { title: 'an older point', step: 20 },
  ])('are passed over: $title (O1)', ({ step }) => {
    const driver = drive(calm(51))
    driver.pipe(telemetryMetrics, point(step, 9_999), point(51, 100))
    expect(anomaliesOf(driver)).toEqual([])
  })
})

describe('baselines', () => {
  it('come at most once a minute, and are the band of the points after them', () => {
    const driver = drive([...calm(200), 120])
    const baselines = driver.read(signalsBaselines)
    const minutes = baselines.map(({ timestamp }) => Math.floor(timestamp / 60_000))
    expect(new Set(minutes).size).toBe(minutes.length)
    // 201 points over 1,000 s; the first band has learned 10 points.
    expect(baselines).toHaveLength(17)
    expect(baselines[0]).toMatchObject({ timestamp: at(9), samples: 10, detector: 'zscore' })
    expect(baselines.at(-1)).toMatchObject({ name: 'latency_ms', labels: { service: 'payment' } })
    expect(baselines.at(-1)!.lower).toBeCloseTo(97.5, 1)
    expect(baselines.at(-1)!.upper).toBeCloseTo(102.5, 1)
  })
})

describe('the lower edge of the band', () => {
  /** Mean 10, deviation 10: measured, the band begins at -15. */
  const bursts = (low: number) =>
    Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? low : 20))

  it('is 0 where it would be below, for a series that has never been negative', () => {
    const driver = drive([...bursts(0), 200, ...bursts(0)], { name: 'app.disk.io.rate' })
    const [raised, ...later] = anomaliesOf(driver)
    expect(raised?.lower).toBe(0)
    expect(raised?.message).toMatch(/is 200 B\/s, .* \(normal range 0 to 3\d/)
    expect(later.at(-1)).toMatchObject({ phase: 'closed', lower: 0 })
    expect(driver.read(signalsBaselines).map(({ lower }) => lower)).toContain(0)
    expect(driver.read(signalsBaselines).every(({ lower }) => lower >= 0)).toBe(true)
  })

  it('does not change the verdict', () => {
    const [raised] = anomaliesOf(drive([...bursts(0), 200]))
    const deviation = evidenceOf(raised, 'stddev')?.value ?? 0
    expect(raised?.score).toBeCloseTo((200 - 10) / deviation, 9)
  })

  it('is as measured once a value was negative', () => {
    const history = bursts(0).with(3, -1)
    const [raised] = anomaliesOf(drive([...history, 200]))
    expect(raised?.lower).toBeLessThan(-10)
  })

  it('is as measured beside the first negative value', () => {
    const [raised] = anomaliesOf(drive([...bursts(0), -200]))
    expect(raised?.lower).toBeLessThan(-10)
  })
})

describe('settings', () => {
  const spikes = (driver: TestDriver, step: number): void => {
    driver.pipe(telemetryMetrics, point(step, 120))
  }

  it('take effect at the next point, and stand in the anomaly', () => {
    const driver = drive(calm(50))
    configure(driver, 4, { rules: [{ sensitivity: 0.001 }] }, 49)
    spikes(driver, 50)
    expect(anomaliesOf(driver)).toEqual([])
    configure(driver, 5, { rules: [] }, 50)
    spikes(driver, 51)
    const [raised] = anomaliesOf(driver)
    expect(raised).toMatchObject({ phase: 'open', configVersion: 5 })
    expect(raised?.configHash).toMatch(/^[0-9a-f]{16}$/)
  })

  it('that are not valid change nothing, and every anomaly says so', () => {
    const driver = drive(calm(50))
    configure(driver, 1, { rules: [] }, 48)
    configure(driver, 2, { rules: [{ sensitivity: 'high' }] }, 49)
    spikes(driver, 50)
    const [raised] = anomaliesOf(driver)
    expect(raised).toMatchObject({ configVersion: 1 })
    expect(evidenceOf(raised, 'rejectedConfigVersion')).toMatchObject({
      value: 2,
      detail: expect.stringMatching(
        /^detectors configuration 2 was not applied \(rules\[0\]\.sensitivity must be number\); 1 is in force$/,
      ),
    })
  })

  it('can turn a series off, which ends its episode', () => {
    const driver = drive([...calm(50), 120])
    configure(
      driver,
      1,
      { rules: [{ match: { labels: { service: 'payment' } }, detector: 'none' }] },
      50,
    )
    driver.pipe(telemetryMetrics, point(51, 120), point(52, 9_999))
    const told = anomaliesOf(driver)
    expect(told.map(({ phase }) => phase)).toEqual(['open', 'closed'])
    expect(evidenceOf(told[1], 'endReason')?.detail).toBe('reconfigured')
    expect(told[1]).toMatchObject({ detector: 'zscore', end: at(50) })
  })

  it('that choose another detector let it learn first', () => {
    const driver = drive(calm(50))
    configure(driver, 1, { rules: [{ detector: 'ewma-ratio' }] }, 49)
    driver.pipe(
      telemetryMetrics,
      ...[900, 100, 100, 100, 100, 100, 100, 100, 100, 100].map((value, index) =>
        point(50 + index, value),
      ),
    )
    expect(anomaliesOf(driver)).toEqual([])
    driver.pipe(telemetryMetrics, point(60, 5_000))
    expect(anomaliesOf(driver)).toMatchObject([{ detector: 'ewma-ratio', phase: 'open' }])
  })
})

describe('restarts', () => {
  /** Steps forward in time, a value, sometimes a new configuration. */
  const story = fc.array(
    fc.record({
      steps: fc.constantFrom(1, 1, 1, 1, 0, 3, 200),
      value: fc.oneof(
        { weight: 8, arbitrary: fc.double({ min: 95, max: 105, noNaN: true }) },
        { weight: 1, arbitrary: fc.double({ min: -1e4, max: 1e4, noNaN: true }) },
      ),
      series: fc.constantFrom('a', 'b'),
      config: fc.option(fc.constantFrom('zscore', 'ewma-ratio', 'none', 'magic'), { freq: 40 }),
    }),
    { minLength: 20, maxLength: 80 },
  )
  type Story = typeof story extends fc.Arbitrary<infer Value> ? Value : never

  const tell = (events: Story, cuts: ReadonlySet<number>): TestDriver => {
    const driver = createTestDriver(anomalies, { partitions: 2, recordsPerCommit: 7 })
    let step = 0
    let waiting: MetricPoint[] = []
    const send = (): void => {
      driver.pipe(telemetryMetrics, ...waiting)
      waiting = []
    }
    events.forEach(({ steps, value, series, config }, index) => {
      if (cuts.has(index)) {
        send()
        driver.restart()
      }
      step += steps
      if (config !== null) {
        send()
        configure(driver, index, { rules: [{ detector: config }] }, step)
      }
      waiting.push(point(step, value, { labels: { service: series } }))
      if (steps === 200) {
        send()
        driver.tick({ tenant: 'default', atMs: at(step) })
      }
    })
    send()
    driver.tick({ tenant: 'default', atMs: at(step + 1_000) })
    return driver
  }
  const outputOf = (driver: TestDriver) =>
    [signalsAnomalies, signalsBaselines].map(({ name }) => driver.readBytes(name))

  it('anywhere change nothing downstream, byte for byte', () => {
    fc.assert(
      fc.property(story, fc.array(fc.nat(79), { maxLength: 5 }), (events, cuts) => {
        expect(outputOf(tell(events, new Set(cuts)))).toEqual(outputOf(tell(events, new Set())))
      }),
      { numRuns: 10 },
    )
  }, 30_000)

  it('with a full window of samples change nothing either', () => {
    const values = Array.from({ length: 2_100 }, (_, index) => 100 + Math.sin(index * 12.9898) * 5)
    const story = [...values, 150, ...calm(20), 90, ...calm(40)]
    const whole = drive(story)
    for (const cut of [1_000, 1_001, 2_101, 2_110]) {
      const restarted = drive(story.slice(0, cut))
      restarted.restart()
      restarted.pipe(telemetryMetrics, ...pointsOf(story).slice(cut))
      expect(outputOf(restarted)).toEqual(outputOf(whole))
    }
  }, 30_000)
})

/**
 * The same input gives the same output: random topologies, random input, random trouble.
 *
 * - D1: what followed a recorded order gives the same bytes per key, whatever the batching, whichever
 *   fetch comes first, and whoever dies in between.
 * - D2: over 1, 2 or 4 partitions each key's output is the same, for input inside its grace.
 *
 * The seed is printed; `DETERMINISM_SEED=n` runs the same again, `DETERMINISM_RUNS=n` more of it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anomalies } from '../../pipelines/anomalies/pipeline.ts'
import { rollups } from '../../pipelines/rollups/pipeline.ts'
import { seconds, type Pipeline } from '../../pipelines/runtime/index.ts'
import { createTestDriver, type TestDriver } from '../../pipelines/runtime/testing/test-driver.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { controlConfig, telemetryMetrics } from '../../schemas/topics.ts'
import { firstStage, REFUSED, secondStage, topologyShapes } from './random-topology.ts'

const seed = Number(process.env['DETERMINISM_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const runs = Number(process.env['DETERMINISM_RUNS'] ?? 4)

/** Fails at the first case, with the line that does it again: to find a smaller one would take minutes. */
const check = <Case>(property: fc.IProperty<Case>, share = 1): void => {
  try {
    const numRuns = Math.max(1, Math.round(runs * share))
    fc.assert(property, { seed, numRuns, endOnFailure: true })
  } catch (error) {
    const again = `DETERMINISM_SEED=${seed} DETERMINISM_RUNS=${runs} npx vitest run --project unit ops/determinism`
    throw new Error(`Not deterministic; again: ${again}`, { cause: error })
  }
}

interface Step {
  readonly kind: 'point' | 'foreign' | 'garbage' | 'tick' | 'config'
  readonly atMs: number
  readonly value: number
  readonly tenant: string
  readonly host: string
}

const LAST_MS = 12 * 60_000
const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('point', 'point', 'point', 'point', 'foreign', 'garbage', 'tick', 'config'),
  atMs: fc.nat({ max: LAST_MS }),
  value: fc.constantFrom(1, 2, 3.5, 1e9, REFUSED, Number.NaN),
  tenant: fc.constantFrom('a', 'b'),
  host: fc.constantFrom('x', 'y', 'z'),
})
/** Of one group everything is there before anything is processed. */
const groups = fc.array(fc.array(steps, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 8,
})

const pointOf = ({ atMs, value, tenant, host }: Step): MetricPoint => ({
  ...{ timestamp: atMs, value, tenant, name: 'cpu', labels: { host }, unit: null },
  kind: 'unspecified',
})

const play = (driver: TestDriver, step: Step, partitions: number): void => {
  const { kind, atMs, value, tenant } = step
  const partition = atMs % partitions
  switch (kind) {
    case 'point':
      driver.pipe(telemetryMetrics, pointOf(step))
      return
    case 'foreign': {
      const bytes = driver.encode(telemetryMetrics, pointOf(step))
      driver.pipeRaw(telemetryMetrics, { key: null, value: bytes, partition, atMs })
      return
    }
    case 'garbage': {
      const bytes = Buffer.from([0, 0, 0, 9, atMs % 256])
      driver.pipeRaw(telemetryMetrics, { key: Buffer.from(tenant), value: bytes, partition, atMs })
      return
    }
    case 'tick':
      driver.tick({ tenant, atMs })
      return
    case 'config': {
      const entry = { tenant, scope: 'factor', version: 1, actor: 'test', reason: null }
      driver.pipe(controlConfig, { ...entry, timestamp: atMs, body: String(value) })
    }
  }
}

const topicsOf = ({ name, outputs }: Pipeline): string[] => [
  ...Object.values(outputs).map((topic) => topic.name),
  `${name}.late`,
  `${name}.dead-letter`,
]

/** Per key in order: keys that are due at the same tick may come in any order. */
const bytesPerKey = (driver: TestDriver, pipeline: Pipeline) =>
  topicsOf(pipeline).map((topic) =>
    Map.groupBy(driver.readBytes(topic), ({ partition, key }) => `${partition} ${key}`),
  )

/** True now and then, the same each time it is made; one that never ends would be no progress. */
const nowAndThen = (from: number, oneIn: number, times = 10): (() => boolean) => {
  const chances = fc.sample(fc.integer({ min: 1, max: oneIn }), { seed: from, numRuns: 200 })
  let asked = 0
  let left = times
  return () => {
    const isTrue = left > 0 && chances[asked++ % chances.length] === 1
    if (isTrue) left -= 1
    return isTrue
  }
}

interface Trouble {
  readonly recordsPerCommit: number
  readonly batchesPerFetch: number
  readonly crashes: number
  readonly stalls: number
}
const trouble: fc.Arbitrary<Trouble> = fc.record({
  recordsPerCommit: fc.integer({ min: 1, max: 9 }),
  batchesPerFetch: fc.integer({ min: 1, max: 5 }),
  crashes: fc.nat(),
  stalls: fc.nat(),
})

const expectSameAgain = (
  driver: TestDriver,
  pipeline: Pipeline,
  { crashes, stalls, ...batching }: Trouble,
): void => {
  const again = driver.rederive({
    ...batching,
    crashes: nowAndThen(crashes, 4),
    stalls: nowAndThen(stalls, 3),
  })
  expect(bytesPerKey(again, pipeline)).toEqual(bytesPerKey(driver, pipeline))
}

describe(`seed ${seed}`, { timeout: seconds(10 + 2 * runs) }, () => {
  it('D1: random topologies of two stages', () => {
    check(
      fc.property(
        topologyShapes,
        groups,
        fc.record({ recordsPerCommit: fc.integer({ min: 1, max: 20 }), restartAt: fc.nat() }),
        trouble,
        (shape, list, { recordsPerCommit, restartAt }, how) => {
          const pipeline = firstStage(shape)
          const first = createTestDriver(pipeline, { recordsPerCommit })
          const second = first.chain(secondStage)
          for (const [index, group] of list.entries()) {
            first.hold(() => {
              for (const step of group) play(first, step, 4)
            })
            if (index === restartAt % list.length) first.restart()
          }
          expectSameAgain(first, pipeline, how)
          expectSameAgain(second, secondStage, how)
        },
      ),
    )
  })

  it.each([{ pipeline: rollups }, { pipeline: anomalies }])(
    'D1: the pipeline $pipeline.name',
    ({ pipeline }) => {
      check(
        fc.property(fc.nat(), trouble, (noise, how) => {
          const driver = createTestDriver(pipeline, { recordsPerCommit: 7 })
          playSeries(driver, nowAndThen(noise, 5))
          expectSameAgain(driver, pipeline, how)
        }),
        1 / 4,
      )
    },
  )

  it('D2: random topologies of two stages over 1, 2 and 4 partitions', () => {
    check(
      fc.property(topologyShapes, groups, (shape, list) => {
        const pipeline = firstStage(shape)
        const inOrder = list.flat().sort((a, b) => a.atMs - b.atMs)
        const results = [1, 2, 4].map((partitions) => {
          const first = createTestDriver(pipeline, { partitions })
          const second = first.chain(secondStage)
          for (const step of inOrder) play(first, step, partitions)
          return [valuesPerKey(first, pipeline), valuesPerKey(second, secondStage)]
        })
        expect(results[1]).toEqual(results[0])
        expect(results[2]).toEqual(results[0])
      }),
      1 / 2,
    )
  })

  it.each([{ pipeline: rollups }, { pipeline: anomalies }])(
    'D2: the pipeline $pipeline.name over 1, 2 and 4 partitions',
    ({ pipeline }) => {
      check(
        fc.property(fc.nat(), (noise) => {
          const [one, two, four] = [1, 2, 4].map((partitions) => {
            const driver = createTestDriver(pipeline, { partitions })
            playSeries(driver, nowAndThen(noise, 5))
            return valuesPerKey(driver, pipeline)
          })
          expect(two).toEqual(one)
          expect(four).toEqual(one)
        }),
        1 / 6,
      )
    },
  )
})

/** Values by key, in the order of the key, without partitions and offsets. */
const valuesPerKey = (driver: TestDriver, pipeline: Pipeline) =>
  topicsOf(pipeline).map((topic) => {
    const values = new Map<string, string[]>()
    const all = Map.groupBy(driver.readBytes(topic), ({ key }) => key)
    for (const [key, records] of all) values.set(key, records.map(({ value }) => value).sort())
    return values
  })

const SERIES_STEPS = 40

/** Some series with outliers, in order, and ticks behind them. */
const playSeries = (driver: TestDriver, outlier: () => boolean): void => {
  for (let step = 0; step < SERIES_STEPS; step++) {
    const timestamp = step * 10_000
    for (const host of ['x', 'y', 'z']) {
      const value = 40 + ((step * 7919) % 97) / 10 + (step > 15 && outlier() ? 80 : 0)
      const labels = { host }
      driver.pipe(telemetryMetrics, {
        ...{ timestamp, value, tenant: 'a', name: 'cpu', labels, unit: null, kind: 'unspecified' },
      })
    }
    if (step % 5 === 4) driver.tick({ tenant: 'a', atMs: timestamp })
  }
  driver.tick({ tenant: 'a', atMs: SERIES_STEPS * 10_000 + 3_600_000 })
}

/** A run of real workers, and the same again from what it recorded. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { anomalies } from '../../pipelines/anomalies/pipeline.ts'
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../pipelines/runtime/avro/index.ts'
import { copartitioned, type Pipeline } from '../../pipelines/runtime/index.ts'
import {
  IdempotentProducer,
  readToEnd,
  StreamWorker,
  type KafkaCluster,
} from '../../pipelines/runtime/kafka/index.ts'
import type { Anomaly } from '../../schemas/generated/signals-anomalies.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { KEY_SEPARATOR } from '../../schemas/topic.ts'
import {
  allTopics,
  controlConfig,
  controlTicks,
  signalsAnomalies,
  signalsBaselines,
  telemetryMetrics,
} from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { registryConnection, schemaRegistry, topicEncoder } from '../shared/registry.ts'
import { applyPipelineTopics } from '../topics/pipeline-topics.ts'
import { schemaIdsOf } from '../worker/schema-ids.ts'
import { backtest, type BacktestOptions } from './backtest.ts'

const PARTITIONS = 4
const ALWAYS = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }
const config = readConfig(stackEnvironment())
const connection = registryConnection(config.schemaRegistry)
const name = uniqueName('backtested')
const points = { ...telemetryMetrics, name: `${name}.points` }
const told = { ...signalsAnomalies, name: `${name}.anomalies` }
const bands = { ...signalsBaselines, name: `${name}.baselines` }
const pipeline: Pipeline = {
  ...anomalies,
  name,
  inputs: { points: copartitioned(points, ['timestamp', 'value']) },
  outputs: { anomalies: told, baselines: bands },
}
let cluster: KafkaCluster
let producer: IdempotentProducer

beforeAll(async () => {
  cluster = kafkaCluster(config, { clientId: 'backtest-test' })
  const topics = [...allTopics, points as never, told as never, bands as never]
  const wanted = { topics, pipelines: [pipeline], partitions: PARTITIONS }
  expect(await applyPipelineTopics(wanted, { cluster, connection })).toEqual([])
  producer = new IdempotentProducer({ cluster, name })
  await producer.prepare([points.name, controlTicks.name, controlConfig.name])
})
afterAll(async () => {
  await producer.close()
  await cluster.close()
})

const HOSTS = 8
const STEPS = 180
const STEP_MS = 10_000
const startMs = Date.UTC(2026, 0, 1)

/** Every host has an outlier of its own size: the first ones are small. */
const pointAt = (step: number, host: number): MetricPoint => {
  const noise = ((step * 7919 + host * 104_729) % 97) / 10
  const outlier = step === 100 + host ? 40 + 10 * host : 0
  return {
    ...{ timestamp: startMs + step * STEP_MS, value: 40 + noise + outlier },
    ...{
      tenant: name,
      name: 'load',
      labels: { host: `h${host}` },
      unit: null,
      kind: 'unspecified',
    },
  }
}

/** Some of them under keys of their own, which makes them take the way through the repartition topic. */
const producePoints = async (from: number, to: number): Promise<void> => {
  const encoder = await topicEncoder(points, connection)
  for (let step = from; step < to; step++) {
    for (let host = 0; host < HOSTS; host++) {
      const point = pointAt(step, host)
      const foreign = { partition: host % PARTITIONS, key: null }
      const own = { key: Buffer.from(points.keyOf(point)) }
      const value = Buffer.from(encoder.encode(point))
      void producer.append({ topic: points.name, value, ...(host % 3 === 2 ? foreign : own) })
    }
  }
  await producer.flush()
}

const produceTick = async (timestamp: number): Promise<void> => {
  const encoder = await topicEncoder(controlTicks, connection)
  const value = Buffer.from(encoder.encode({ timestamp, tenant: name, origin: 'test' }))
  for (let partition = 0; partition < PARTITIONS; partition++) {
    void producer.append({ topic: controlTicks.name, partition, key: Buffer.from(name), value })
  }
  await producer.flush()
}

const produceConfig = async (version: number, rules: readonly object[]): Promise<void> => {
  const encoder = await topicEncoder(controlConfig, connection)
  const entry = { timestamp: startMs, tenant: name, scope: 'detectors', version, actor: 'test' }
  const value = encoder.encode({ ...entry, body: JSON.stringify({ rules }), reason: null })
  await producer.append({ topic: controlConfig.name, key: Buffer.from(name), value })
}

const startWorker = async () => {
  const own = kafkaCluster(config, { clientId: 'backtest-test' })
  const worker = new StreamWorker({
    cluster: own,
    registry: schemaRegistry(config),
    pipeline,
    applicationId: 'test',
    schemaIds: await schemaIdsOf(pipeline, connection),
    commitIntervalMs: 20,
    sessionTimeoutMs: 6_000,
    onFailure: (error) => {
      throw error
    },
  })
  await worker.start()
  return {
    worker,
    stop: async () => {
      await worker.stop()
      await own.close()
    },
  }
}

const readAnomalies = async (): Promise<Anomaly[]> => {
  const decoder = createRecordDecoder<Anomaly>({ writerSchema: told.schema })
  const found: Anomaly[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await readToEnd({
      ...{ cluster, topic: told.name, partition, until: 'last-stable' as const },
      onRecords(records) {
        while (records.next()) {
          const { buffer, valueStart, valueEnd } = records
          found.push(decoder.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd))
        }
      },
    })
  }
  return found
}

const closedIn = (list: readonly Anomaly[]) =>
  list.filter(({ phase, value }) => phase === 'closed' && value > 0).length

const run = async (change: Partial<BacktestOptions> = {}) =>
  backtest({
    ...{ cluster, pipeline, period: ALWAYS, limit: 100 },
    registry: schemaRegistry(config),
    schemaIds: await schemaIdsOf(pipeline, connection),
    ...change,
  })

const detectors = (rules: readonly object[]) => [
  { scope: 'detectors', tenant: 'default', body: JSON.stringify({ rules }) },
]

it('says that nothing was recorded, before anything was', async () => {
  await expect(run()).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

it('reproduces a run of several workers with restarts, byte for byte', async () => {
  await produceConfig(1, [])
  const first = await startWorker()
  await producePoints(0, 90)
  await eventually(
    () => first.worker.tasks.map(({ runner }) => runner.commitTimes.count),
    (commits) => commits.length === PARTITIONS && commits.every((count) => count > 0),
  )
  await first.stop()
  const second = await startWorker()
  const third = await startWorker()
  await producePoints(90, 130)
  await produceConfig(2, [{ match: { labels: { host: 'h7' } }, detector: 'none' }])
  await producePoints(130, STEPS)
  await produceTick(startMs + STEPS * STEP_MS + 3_600_000)
  const found = await eventually(readAnomalies, (list) => closedIn(list) >= HOSTS)
  await Promise.all([second.stop(), third.stop()])
  expect(found.length).toBeGreaterThanOrEqual(2 * HOSTS)

  const { inputs, baseline } = await run()
  expect(baseline).toMatchObject({ reproduced: true, differing: 0, reasons: [] })
  expect(baseline.count).toBe(baseline.recorded)
  expect(inputs).toBeGreaterThanOrEqual(HOSTS * STEPS)
}, 120_000)

it('goes on as if a change of settings had not come, with those of before', async () => {
  const { candidate, baseline, diff } = await run({ overrides: detectors([]) })
  // The host that the change switched off is watched to the end: its baselines go on.
  expect(candidate?.count).toBeGreaterThan(baseline.count)
  expect(diff?.counts).toMatchObject({ removed: 0, changed: 0 })
  expect(new Set(diff?.added.map(({ topic }) => topic))).toEqual(new Set([bands.name]))
  expect(new Set(diff?.added.map(({ key }) => key.split(KEY_SEPARATOR)[2]))).toEqual(
    new Set(['host=h7']),
  )
})

it('lists what other thresholds add, take away and change', async () => {
  const known = await readAnomalies()
  const { candidate, baseline, diff } = await run({
    overrides: detectors([{ thresholds: { medium: 20, high: 25, critical: 1_000 } }]),
  })
  expect(candidate?.count).not.toBe(baseline.count)
  const removed = diff?.removed.filter(({ topic }) => topic === told.name) ?? []
  expect(removed.length).toBeGreaterThan(0)
  expect(removed.length).toBeLessThan(HOSTS)
  const ids = new Set(known.map(({ id }) => id))
  for (const { value } of removed) expect(ids).toContain((value as Anomaly).id)
  const changed = diff?.changed.filter(({ topic }) => topic === told.name) ?? []
  expect(changed.length + removed.length).toBe(ids.size)
  expect(diff?.added.filter(({ topic }) => topic === told.name)).toEqual([])
})

it('counts only what arrived in the period, and verifies all', async () => {
  const before = await run({ period: { fromMs: 0, toMs: 1 } })
  expect(before).toMatchObject({ inputs: 0, baseline: { count: 0, reproduced: true } })
  const whole = await run()
  const after = await run({ period: { fromMs: 1, toMs: Date.now() + 1 } })
  expect(after).toMatchObject({ inputs: whole.inputs, baseline: { count: whole.baseline.count } })
})

it('says when the run is not what another version would write', async () => {
  const other: Pipeline = {
    ...pipeline,
    on: {
      points: (record, state, context) => {
        if ((record as MetricPoint).value < 60) pipeline.on['points']?.(record, state, context)
      },
    },
    onTimer: {},
  }
  const { baseline } = await run({ pipeline: other })
  expect(baseline.reproduced).toBe(false)
  expect(baseline.differing).toBeGreaterThan(0)
  expect(baseline.reasons).toHaveLength(1)
})

/**
 * Anyone's producer: the examples of docs/producers.md run as a customer runs them, with their own
 * Kafka clients, and their anomalies come out. No point is lost on the way, and none counts twice.
 */
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../schemas/series-key.ts'
import type { Topic } from '../../schemas/topic.ts'
import {
  signalsAnomalies,
  signalsRollups,
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
  telemetrySpans,
} from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { ProductProcess } from '../test/product-process.ts'
import { answerOf, runProgram } from './testing/program.ts'
import { pythonWith } from './testing/python.ts'

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const environment = stackEnvironment()
const config = readConfig(environment)
const brokers = config.kafka.brokers.join(',')
const tenant = uniqueName('shop')
/** Of each example, the last one a spike. */
const POINTS = 41
/** A clock may be set this far ahead of the broker's; the runtime tolerates a minute. */
const TICK_AHEAD_MS = 55_000

/** Whose anomaly has come out; each must have been counted once in the end. */
const seen: string[] = []
let broker: BrokerSide
let worker: ProductProcess

beforeAll(async () => {
  broker = await BrokerSide.open(config)
  worker = await ProductProcess.start({ command: ['worker'], environment })
})
afterAll(async () => {
  expect(await worker.stop()).toBe(0)
  await broker.close()
})

const repartitioned = () => worker.metric('worker_repartitioned_total', { pipeline: 'anomalies' })

const expectOneEpisode = async (instance: string): Promise<void> => {
  const isOurs = ({ labels }: { readonly labels: Record<string, string> }) =>
    labels['instance'] === instance
  const anomalies = await eventually(
    () => broker.values(signalsAnomalies, tenant),
    (found) => found.some(isOurs),
  )
  const told = anomalies.filter(isOurs)
  expect(told).toMatchObject([{ phase: 'open', revision: 1, severity: 'critical', value: 900 }])
  expect(told[0]?.evidence.find(({ name }) => name === 'samples')?.value).toBe(POINTS - 1)
  seen.push(instance)
}

/** What the examples publish. */
const pointsOf = (instance: string): MetricPoint[] => {
  const now = Date.now()
  return Array.from({ length: POINTS }, (_, index) => ({
    timestamp: now - (POINTS - 1 - index) * 500,
    value: index === POINTS - 1 ? 900 : 120 + 8 * Math.sin(index),
    tenant,
    name: 'checkout.latency',
    labels: { service: 'checkout', instance },
    unit: 'ms',
    kind: 'unspecified',
  }))
}

/** An instance whose series CRC32 places in another partition than murmur2 does. */
const misplacedInstance = async (): Promise<string> => {
  const partitions = await broker.cluster.partitionCount(telemetryMetrics.name)
  for (;;) {
    const instance = uniqueName('kcat')
    const key = Buffer.from(seriesKey(pointsOf(instance)[0]!))
    if (crc32(key) % partitions !== toPartition(murmur2(key), partitions)) return instance
  }
}

/** The command line, which must succeed; what it printed. */
const millrace = async (
  args: readonly string[],
  lines: readonly string[] = [],
): Promise<Buffer> => {
  const main = fileOf('../../services/cli/main.ts')
  const input = lines.join('\n')
  const outcome = await runProgram(process.execPath, [main, ...args], { environment, input })
  expect(outcome).toMatchObject({ code: 0, err: '' })
  return outcome.out
}

const runExample = async (program: string, file: string, instance: string): Promise<void> => {
  const args = [fileOf(`../examples/${file}`), '--tenant', tenant, '--instance', instance]
  const outcome = await runProgram(program, args, { environment })
  expect(outcome.err).toContain('critical: checkout latency of checkout')
  expect(outcome.code).toBe(0)
  expect(JSON.parse(outcome.out.toString())).toMatchObject({ tenant, labels: { instance } })
  await expectOneEpisode(instance)
}

it('kafkajs: publishes under the series key, sees the anomaly, takes the short way', async () => {
  const before = await repartitioned()
  await runExample(process.execPath, 'producer.mjs', uniqueName('js'))
  expect(await repartitioned()).toBe(before)
})

it('Python: publishes under a key of its own, placed by CRC32, sees the anomaly', async ({
  skip,
}) => {
  const python = await pythonWith({
    packages: ['confluent-kafka[avro]'],
    module: 'confluent_kafka.schema_registry.avro',
  })
  if (typeof python === 'string') return skip(python)
  const before = await repartitioned()
  try {
    await runExample(python.program, 'producer.py', uniqueName('py'))
  } finally {
    python.remove()
  }
  expect(await repartitioned()).toBe(before + POINTS)
}, 300_000)

const kcat = answerOf('kcat', ['-V'])
const NO_KCAT = 'kcat is not installed (Debian and Ubuntu: apt-get install kcat)'

it.for([
  { title: 'placed as Java places keys', partitioner: 'murmur2_random', isForeign: false },
  { title: 'placed by CRC32', partitioner: 'consistent_random', isForeign: true },
])(
  'kcat: sends what `millrace encode` made, $title',
  async ({ partitioner, isForeign }, { skip }) => {
    if (kcat === undefined) return skip(NO_KCAT)
    const instance = isForeign ? await misplacedInstance() : uniqueName('kcat')
    const before = await repartitioned()
    const encoded = await millrace(
      ['encode', 'telemetry.metrics', '--with-key']
        .concat('--delimiter', '<end>')
        .concat('--key-delimiter', '<key>'),
      pointsOf(instance).map((point) => JSON.stringify(point)),
    )
    const sent = await runProgram(
      'kcat',
      ['-P', '-b', brokers, '-t', 'telemetry.metrics', '-D', '<end>', '-K', '<key>'].concat(
        '-X',
        `partitioner=${partitioner}`,
      ),
      { input: encoded },
    )
    expect(sent).toMatchObject({ code: 0 })
    await expectOneEpisode(instance)
    expect(await repartitioned()).toBe(isForeign ? before + POINTS : before)
  },
)

const now = Date.now()
it.for([
  {
    topic: telemetryLogs,
    value: { timestamp: now, tenant, service: 'cart', level: 'warn', message: 'slow', labels: {} },
  },
  {
    topic: telemetrySpans,
    value: {
      ...{ start: now * 1_000, durationUs: 900, tenant, traceId: 'a'.repeat(32) },
      ...{ spanId: 'b'.repeat(16), service: 'cart', endpoint: '/pay', name: 'POST /pay' },
    },
  },
  {
    topic: telemetryDeployments,
    value: {
      ...{ id: 'c'.repeat(32), timestamp: now, tenant, service: 'cart', status: 'succeeded' },
      ...{ source: 'kcat', sourceId: '1' },
    },
  },
] as const)(
  'kcat: publishes what `millrace encode $topic.name` gives it',
  async (each, { skip }) => {
    if (kcat === undefined) return skip(NO_KCAT)
    const topic: Topic<never> = each.topic
    const options = ['--with-key', '--delimiter', '<end>', '--key-delimiter', '<key>']
    const input = await millrace(['encode', topic.name, ...options], [JSON.stringify(each.value)])
    const args = ['-P', '-b', brokers, '-t', topic.name, '-D', '<end>', '-K', '<key>']
    const sent = await runProgram('kcat', [...args, '-X', 'partitioner=murmur2_random'], { input })
    expect(sent).toMatchObject({ code: 0 })
    const values = await eventually(
      () => broker.values(topic, tenant),
      ({ length }) => length > 0,
    )
    expect(values).toMatchObject([each.value])
  },
)

it('kcat: reads values with `-s value=avro`', async ({ skip }) => {
  if (kcat === undefined) return skip(NO_KCAT)
  if (!kcat.includes('Avro')) {
    return skip(`this kcat knows no Avro (${kcat.split('\n').at(-1) ?? ''})`)
  }
  const instance = uniqueName('kcat')
  await broker.sendPoints(pointsOf(instance))
  const read = await runProgram(
    'kcat',
    ['-C', '-e', '-q', '-b', brokers, '-t', 'telemetry.metrics', '-s', 'value=avro'].concat(
      '-r',
      config.schemaRegistry.url,
    ),
  )
  expect(read.code).toBe(0)
  expect(
    read.out
      .toString()
      .split('\n')
      .filter((line) => line.includes(instance)),
  ).toHaveLength(POINTS)
  await expectOneEpisode(instance)
})

it('millrace tail: shows the anomaly as JSON', async () => {
  const instance = uniqueName('tail')
  await broker.sendPoints(pointsOf(instance))
  const where = `value.tenant == "${tenant}" && value.labels["instance"] == "${instance}"`
  const options = ['--from', 'beginning', '--where', where, '--max', '1', '--timeout', '60']
  const line = await millrace(['tail', 'signals.anomalies', ...options])
  expect(JSON.parse(line.toString())).toMatchObject({
    value: { severity: 'critical', labels: { instance } },
  })
  await expectOneEpisode(instance)
})

it('counts every point of every producer once', async () => {
  // Windows close by the clock of the tenant: no later point of these series will come.
  const counts = await eventually(
    async () => {
      await broker.tick(tenant, Date.now() + TICK_AHEAD_MS)
      const rollups = await broker.values(signalsRollups, tenant)
      return seen.map((instance) =>
        rollups
          .filter(({ labels }) => labels['instance'] === instance)
          .reduce((sum, { count }) => sum + count, 0),
      )
    },
    (found) => found.every((count) => count >= POINTS),
    { timeoutMs: 60_000, intervalMs: 1_000 },
  )
  expect(counts).toEqual(seen.map(() => POINTS))
  expect(seen.length).toBeGreaterThan(1)
}, 90_000)

/** The stream runtime against a real broker and registry: the same answers, whatever happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import {
  RecordEncoder,
  createRecordDecoder,
  WIRE_HEADER_BYTES,
} from '../../pipelines/runtime/avro/index.ts'
import {
  cell,
  copartitioned,
  definePipeline,
  minutes,
  ring,
  row,
  seconds,
  tumbling,
  type Pipeline,
} from '../../pipelines/runtime/index.ts'
import {
  createTaskMemory,
  IdempotentProducer,
  KafkaAdmin,
  readToEnd,
  SchemaRegistryClient,
  StreamWorker,
  type KafkaCluster,
  type TaskMemory,
} from '../../pipelines/runtime/kafka/index.ts'
import type { Api } from '../../pipelines/runtime/kafka/protocol/api.ts'
import type { Rollup } from '../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { allTopics, controlTicks, signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import type { Topic } from '../../schemas/topic.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { registeredSchemaId, registryConnection } from '../shared/registry.ts'
import { applyPipelineTopics } from '../topics/pipeline-topics.ts'
import { schemaIdsOf } from './schema-ids.ts'

const PARTITIONS = 4
const config = readConfig(stackEnvironment())
const connection = registryConnection(config.schemaRegistry)
let cluster: KafkaCluster

beforeAll(async () => {
  cluster = kafkaCluster(config, { clientId: 'stream-worker-test' })
  await apply([])
})
afterAll(() => cluster.close())

/** A pipeline of its own topics: sums and a ring per key, and per minute. */
const createSums = (
  name: string,
  owner = telemetryMetrics.owner,
): { pipeline: Pipeline; input: Topic<MetricPoint>; output: Topic<Rollup> } => {
  const input = { ...telemetryMetrics, name: `${name}.points`, owner }
  const output = { ...signalsRollups, name: `${name}.sums` }
  const pipeline = definePipeline({
    name,
    version: 1,
    inputs: { points: copartitioned(input, ['timestamp', 'value']) },
    state: {
      totals: row({ count: 0, sum: 0 }),
      recent: ring({ capacity: 100 }),
      last: cell<{ text: string }>({
        type: 'record',
        name: 'Last',
        fields: [{ name: 'text', type: 'string' }],
      }),
    },
    outputs: { sums: output },
    windows: {
      minute: {
        input: 'points',
        window: tumbling({ sizeMs: minutes(1), graceMs: seconds(5) }),
        row: { count: 0, sum: 0 },
        add(point, { row }) {
          row.count += 1
          row.sum += point.value
        },
        close({ row }, { startMs, endMs }, { totals, recent, last }, context) {
          const [tenant = '', metric = '', label = ''] = context.key.split('\u001f')
          context.emit('sums', {
            windowStart: startMs,
            windowEnd: endMs,
            tenant,
            series: last.get()?.text ?? '',
            name: metric,
            labels: { label },
            count: row.count,
            sum: row.sum,
            min: recent.at(0),
            max: recent.length,
            mean: totals.sum,
            sketch: Buffer.alloc(0),
          })
        },
      },
    },
    on: {
      points({ value }, { totals, recent, last }) {
        totals.count += 1
        totals.sum += value
        recent.push(value)
        last.set({ text: String(value) })
      },
    },
    keyIdleTtlMs: minutes(10_000),
    keyLimit: { perTask: 1_000, perGroup: 1_000, groupOf: () => '' },
  })
  return { pipeline, input, output }
}

const apply = async (
  pipelines: readonly { pipeline: Pipeline; input: Topic<MetricPoint>; output: Topic<Rollup> }[],
) => {
  const topics = [
    ...allTopics,
    ...pipelines.flatMap(({ input, output }) => [input as never, output as never]),
  ]
  const own = pipelines.map(({ pipeline }) => pipeline)
  const wanted = { topics, pipelines: own, partitions: PARTITIONS }
  expect(await applyPipelineTopics(wanted, { cluster, connection })).toEqual([])
}

const HOSTS = 20
const MINUTES = 5
const PER_MINUTE = 50
const startMs = Date.UTC(2026, 0, 1)

const pointsOf = (tenant: string): MetricPoint[] =>
  Array.from({ length: MINUTES * PER_MINUTE }, (_, step) =>
    Array.from({ length: HOSTS }, (_, host) => ({
      timestamp: startMs + (step * 60_000) / PER_MINUTE,
      value: (step + 1) * (host + 1),
      tenant,
      name: 'load',
      labels: { host: `h${host}` },
      unit: null,
      kind: 'unspecified' as const,
    })),
  ).flat()

/** What the sums must be, computed from the input alone. */
const expectedSums = (points: readonly MetricPoint[]): string[] => {
  const sums = new Map<string, { count: number; sum: number }>()
  for (const { timestamp, value, labels } of points) {
    const key = `${labels['host']} ${Math.floor(timestamp / 60_000)}`
    const known = sums.get(key) ?? { count: 0, sum: 0 }
    sums.set(key, { count: known.count + 1, sum: known.sum + value })
  }
  return [...sums].map(([key, { count, sum }]) => `${key} ${count} ${sum}`).sort()
}

const produce = async (
  topic: Topic<MetricPoint>,
  points: readonly MetricPoint[],
  tenant: string,
): Promise<void> => {
  const encoder = new RecordEncoder({
    schema: topic.schema,
    schemaId: await registeredSchemaId(topic, connection),
  })
  const ticks = new RecordEncoder({
    schema: controlTicks.schema,
    schemaId: await registeredSchemaId(controlTicks, connection),
  })
  const producer = new IdempotentProducer({ cluster, name: topic.name })
  await producer.prepare([topic.name, controlTicks.name])
  for (const point of points) {
    void producer.append({
      topic: topic.name,
      key: Buffer.from(topic.keyOf(point)),
      value: encoder.encode(point),
    })
  }
  await producer.flush()
  const timestamp = startMs + minutes(MINUTES + 10)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    void producer.append({
      topic: controlTicks.name,
      partition,
      key: Buffer.from(tenant),
      value: ticks.encode({ timestamp, tenant, origin: 'test' }),
    })
  }
  await producer.flush()
  await producer.close()
}

const readSums = async (topic: Topic<Rollup>): Promise<Rollup[]> => {
  const decoder = createRecordDecoder<Rollup>({ writerSchema: topic.schema })
  const found: Rollup[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await readToEnd({
      cluster,
      topic: topic.name,
      partition,
      until: 'last-stable',
      onRecords(records) {
        while (records.next()) {
          found.push(
            decoder.decode(
              records.buffer,
              records.valueStart + WIRE_HEADER_BYTES,
              records.valueEnd,
            ),
          )
        }
      },
    })
  }
  return found
}

const summed = (rollups: readonly Rollup[]): string[] =>
  rollups
    .map(
      ({ labels, windowStart, count, sum }) =>
        `${labels['label']?.slice(5)} ${windowStart / 60_000} ${count} ${sum}`,
    )
    .sort()

const expectSums = async (topic: Topic<Rollup>, points: readonly MetricPoint[]) => {
  const expected = expectedSums(points)
  const found = await eventually(
    async () => summed(await readSums(topic)),
    (sums) => sums.length >= expected.length,
  )
  expect(found).toEqual(expected)
}

const startWorker = async (
  pipeline: Pipeline,
  options: {
    readonly failAfterCommits?: number
    readonly registryUrl?: string
    readonly commitIntervalMs?: number
    readonly memory?: TaskMemory
    /** For each transaction, as with a slow broker. */
    readonly commitDelayMs?: number
  } = {},
) => {
  const failures: Error[] = []
  let commits = 0
  // Its own connections, as a process has.
  const own = kafkaCluster(config, { clientId: 'stream-worker-test' })
  const worker = new StreamWorker({
    cluster: own,
    registry: new SchemaRegistryClient({
      ...connection,
      url: options.registryUrl ?? connection.url,
    }),
    pipeline,
    applicationId: 'test',
    schemaIds: await schemaIdsOf(pipeline, connection),
    commitIntervalMs: options.commitIntervalMs ?? 20,
    sessionTimeoutMs: 6_000,
    onFailure: (error) => failures.push(error),
    ...(options.memory === undefined ? {} : { memory: options.memory }),
    async onStage(stage) {
      if (stage === 'produced' && options.commitDelayMs !== undefined)
        await sleep(options.commitDelayMs)
      if (stage !== 'produced' || options.failAfterCommits === undefined) return
      commits += 1
      if (commits % options.failAfterCommits === 0)
        throw new Error('injected between produce and end')
    },
  })
  await worker.start()
  const stop = async () => {
    await worker.stop()
    await own.close()
  }
  return { worker, failures, stop }
}

it('sums every record once and closes windows by ticks', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const points = pointsOf(sums.pipeline.name)
  const { worker, failures, stop } = await startWorker(sums.pipeline)
  await produce(sums.input, points, sums.pipeline.name)
  await expectSums(sums.output, points)
  expect(worker.readiness()).toBe(true)
  await stop()
  expect(failures).toEqual([])
})

it('takes records as large as the broker does: on a detour, as dead letters, several in one commit', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const tenant = sums.pipeline.name
  const schemaId = await registeredSchemaId(sums.input, connection)
  const encoder = new RecordEncoder({ schema: sums.input.schema, schemaId })
  // Ours stop at 1,000,000 bytes; others may go up to what the broker takes.
  const maxRecordBytes = 1_048_500
  const producer = new IdempotentProducer({ cluster, name: tenant, maxRecordBytes })
  await producer.prepare([sums.input.name])
  const labels = { host: 'h0' }
  const large = { timestamp: startMs, value: 1, tenant, name: 'load', labels }
  // Just below 1 MiB with the overhead of record and batch.
  const unit = 'x'.repeat(1_048_588 - 400)
  const send = (value: Buffer) =>
    producer.append({ topic: sums.input.name, partition: 0, key: null, value })
  for (let count = 0; count < 3; count++) {
    await send(Buffer.from(encoder.encode({ ...large, unit })))
    await send(Buffer.alloc(1_048_588 - 200, 0x7f))
  }
  await producer.close()
  const { worker, failures, stop } = await startWorker(sums.pipeline)
  const counted = () =>
    worker.tasks.reduce(
      (sum, { runner: { task } }) => {
        const dead = task.counters.deadLetters.get('not-confluent-avro') ?? 0
        const taken = task.counters.records - task.counters.repartitioned - dead
        return { taken: sum.taken + taken, dead: sum.dead + dead }
      },
      { taken: 0, dead: 0 },
    )
  expect(await eventually(counted, ({ taken, dead }) => taken === 3 && dead === 3)).toEqual({
    taken: 3,
    dead: 3,
  })
  await stop()
  let letters = 0
  await readToEnd({
    cluster,
    topic: `${tenant}.dead-letter`,
    partition: 0,
    until: 'last-stable',
    onRecords(records) {
      while (records.next()) letters += 1
    },
  })
  expect(letters).toBe(3)
  expect(failures).toEqual([])
})

it('processes records of 10 MB or puts cut copies aside, whatever their topic lets in', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const tenant = sums.pipeline.name
  const configs = { 'max.message.bytes': String(12_000_000) }
  await new KafkaAdmin(cluster).alterConfigs([{ topic: sums.input.name, configs }])
  const schemaId = await registeredSchemaId(sums.input, connection)
  const encoder = new RecordEncoder({ schema: sums.input.schema, schemaId })
  const producer = new IdempotentProducer({ cluster, name: tenant, maxRecordBytes: 11_000_000 })
  await producer.prepare([sums.input.name])
  const point = {
    ...{ timestamp: startMs, value: 1, tenant, name: 'load', labels: { host: 'h0' } },
    kind: 'unspecified' as const,
  }
  const key = Buffer.from(sums.input.keyOf({ ...point, unit: null }))
  const value = Buffer.from(encoder.encode({ ...point, unit: 'x'.repeat(10_000_000) }))
  const { partition } = await producer.append({ topic: sums.input.name, key, value })
  const send = (record: { key: Buffer | null; value: Buffer }) =>
    producer.append({ topic: sums.input.name, partition, ...record })
  await send({ key: null, value })
  await send({ key, value: Buffer.alloc(10_000_000, 0x7f) })
  await send({ key, value: Buffer.from(encoder.encode({ ...point, unit: null })) })
  await producer.close()
  const { worker, failures, stop } = await startWorker(sums.pipeline)
  const counted = () => {
    const counters = worker.tasks.find((task) => task.partition === partition)?.runner.task.counters
    return {
      records: counters?.records,
      deadLetters: Object.fromEntries(counters?.deadLetters ?? []),
    }
  }
  expect(await eventually(counted, ({ records }) => records === 4)).toEqual({
    records: 4,
    deadLetters: { 'record-too-large': 1, 'not-confluent-avro': 1 },
  })
  expect(worker.readiness()).toBe(true)
  await stop()
  const cuts: string[] = []
  await readToEnd({
    cluster,
    topic: `${tenant}.dead-letter`,
    partition,
    until: 'last-stable',
    onRecords(records) {
      while (records.next()) {
        const cut = records.headers().find((header) => header.key === 'millrace-cut')
        cuts.push(cut?.value?.toString() ?? 'whole')
      }
    },
  })
  expect(cuts).toEqual([
    `key 0, value ${value.length}, headers 0`,
    `key ${key.length}, value 10000000, headers 0`,
  ])
  expect(failures).toEqual([])
})

it('holds back at its bounds while commits are slow, and loses nothing', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const records = 1_200
  const value = Buffer.alloc(100_000, 0x7f) // each becomes a dead letter of that size
  const producer = new IdempotentProducer({ cluster, name: sums.input.name })
  await producer.prepare([sums.input.name])
  for (let index = 0; index < records; index++) {
    await producer.room()
    void producer.append({ topic: sums.input.name, partition: 0, key: null, value })
  }
  await producer.close()
  const memory = createTaskMemory()
  const { worker, failures, stop } = await startWorker(sums.pipeline, {
    memory,
    commitDelayMs: 300,
  })
  let [fetchedBytes, uncommittedBytes] = [0, 0]
  const look = setInterval(() => {
    fetchedBytes = Math.max(fetchedBytes, memory.fetched.usedBytes)
    uncommittedBytes = Math.max(uncommittedBytes, memory.outputs.usedBytes)
  }, 5)
  const letters = () =>
    worker.tasks.reduce(
      (sum, { runner }) => sum + (runner.task.counters.deadLetters.get('not-confluent-avro') ?? 0),
      0,
    )
  expect(await eventually(letters, (count) => count === records)).toBe(records)
  await stop()
  clearInterval(look)
  // One task: a commit under way and the next one, each up to 16 MiB and a record; 4 MiB of input.
  expect(uncommittedBytes).toBeGreaterThan(16 * 1024 * 1024)
  expect(uncommittedBytes).toBeLessThan(33 * 1024 * 1024)
  expect(fetchedBytes).toBeLessThan(7 * 1024 * 1024)
  expect([memory.fetched.usedBytes, memory.outputs.usedBytes]).toEqual([0, 0])
  expect(failures).toEqual([])
  let found = 0
  await readToEnd({
    cluster,
    topic: `${sums.pipeline.name}.dead-letter`,
    partition: 0,
    until: 'last-stable',
    onRecords(set) {
      while (set.next()) found += 1
    },
  })
  expect(found).toBe(records)
})

it('stops a task for good when its output is too large for the topic, and says which', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const { worker, stop } = await startWorker(sums.pipeline)
  // Only now, so that the worker goes by the old limit and hears of the new one from the broker.
  await eventually(
    () => worker.readiness(),
    (readiness) => readiness === true,
  )
  const configs = { 'max.message.bytes': '100' }
  await new KafkaAdmin(cluster).alterConfigs([{ topic: sums.output.name, configs }])
  await produce(sums.input, pointsOf(sums.pipeline.name), sums.pipeline.name)
  const stopped = () => worker.tasks.filter(({ error }) => error !== undefined)
  const [first] = await eventually(stopped, ({ length }) => length > 0)
  expect(first?.error).toMatch(new RegExp(`${sums.output.name}.*MESSAGE_TOO_LARGE`))
  expect(worker.readiness()).toContain('MESSAGE_TOO_LARGE')
  expect(await readSums(sums.output)).toEqual([])
  await stop()
  // A worker that starts now knows the limit, and stops at the record.
  const again = await startWorker(sums.pipeline)
  const readiness = await eventually(
    () => again.worker.readiness(),
    (text) => text !== true && text.includes('takes 100'),
  )
  expect(readiness).toContain(`record for '${sums.output.name}' needs`)
  await again.stop()
})

it('loses and doubles nothing when commits fail half-way and workers come and go', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const tenant = sums.pipeline.name
  const points = pointsOf(tenant)
  const first = await startWorker(sums.pipeline, { failAfterCommits: 3 })
  const producing = produce(sums.input, points, tenant)
  expect(
    await eventually(
      () => first.worker.readiness(),
      (ready) => ready === true,
    ),
  ).toBe(true)
  const second = await startWorker(sums.pipeline)
  await producing
  expect(
    await eventually(
      () => second.worker.tasks.length,
      (tasks) => tasks === 2,
    ),
  ).toBe(2)
  await first.stop()
  const third = await startWorker(sums.pipeline)
  await second.stop()
  await expectSums(sums.output, points)
  const last = (await readSums(sums.output)).filter(
    ({ windowEnd }) => windowEnd === startMs + minutes(MINUTES),
  )
  expect(last).toHaveLength(HOSTS)
  for (const { max, mean, labels } of last) {
    const host = Number(labels['label']?.slice(6)) + 1
    const steps = MINUTES * PER_MINUTE
    expect(max).toBe(100)
    expect(mean).toBe((host * steps * (steps + 1)) / 2)
  }
  await third.stop()
}, 120_000)

it('commits what it has processed before it lets its tasks go', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const points = pointsOf(sums.pipeline.name)
  const { worker, failures, stop } = await startWorker(sums.pipeline, {
    commitIntervalMs: 3_600_000,
  })
  await produce(sums.input, points, sums.pipeline.name)
  const processed = () =>
    worker.tasks.reduce((sum, { runner }) => sum + runner.task.counters.records, 0)
  expect(await eventually(processed, (count) => count >= points.length)).toBe(points.length)
  const committed = () =>
    worker.tasks.reduce((sum, { runner }) => sum + runner.commitTimes.count, 0)
  expect(committed()).toBe(0)
  await stop()
  expect(failures).toEqual([])
  const next = await startWorker(sums.pipeline)
  await expectSums(sums.output, points)
  const again = next.worker.tasks.map(({ runner }) => runner.task.counters.records)
  expect(again).toEqual(again.map(() => 0))
  await next.stop()
})

it('says which task waits for the registry, and stops promptly though it does', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const points = pointsOf(sums.pipeline.name)
  await produce(sums.input, points, sums.pipeline.name)
  const { worker, stop } = await startWorker(sums.pipeline, { registryUrl: 'http://127.0.0.1:1' })
  const states = await eventually(
    () => worker.tasks.map(({ state }) => state),
    (found) => found.length === PARTITIONS && found.every((state) => state === 'waiting'),
  )
  expect(states).toEqual(Array(PARTITIONS).fill('waiting'))
  expect(worker.readiness()).toMatch(/\/0: waiting for schema [0-9]+ of the registry$/)
  const startedAtMs = performance.now()
  await stop()
  expect(performance.now() - startedAtMs).toBeLessThan(5_000)
})

/** CreatePartitions v1: nobody in the product adds partitions, but others may. */
const createPartitionsApi: Api<{ topic: string; count: number }, number> = {
  name: 'CreatePartitions',
  key: 37,
  version: 1,
  flexible: false,
  write(writer, { topic, count }) {
    writer.array([topic], (name) => {
      writer.string(name)
      writer.int32(count)
      writer.int32(-1) // no assignments
    })
    writer.int32(10_000)
    writer.boolean(false)
  },
  read(reader) {
    reader.int32() // throttle time
    const [code = 0] = reader.array(() => {
      reader.string()
      const errorCode = reader.int16()
      reader.nullableString()
      return errorCode
    })
    return code
  },
}

it('stops, with what it did committed, when an input gets more partitions', async () => {
  const sums = createSums(uniqueName('sums'))
  await apply([sums])
  const { name } = sums.pipeline
  const points = pointsOf(name)
  const { worker, failures, stop } = await startWorker(sums.pipeline)
  await produce(sums.input, points, name)
  await expectSums(sums.output, points)
  const request = { topic: sums.input.name, count: PARTITIONS + 2 }
  expect(await cluster.send(await cluster.controller(), createPartitionsApi, request)).toBe(0)
  await eventually(
    () => failures.length,
    (count) => count > 0,
  )
  expect(failures).toMatchObject([
    {
      code: 'TOPOLOGY_PARTITIONS_CHANGED',
      message: expect.stringContaining(
        `needs 4 partitions of '${sums.input.name}', as it had when this worker began, but finds 6`,
      ) as unknown,
    },
  ])
  expect(worker.readiness()).toBe(`${name}: has left its group`)
  await stop()
})

it('does not begin behind a pipeline of another number of tasks: their ticks would say nothing', async () => {
  const upstream = uniqueName('upstream')
  const sums = createSums(uniqueName('sums'), `pipelines/${upstream}`)
  await apply([sums])
  const ticks = `${upstream}.ticks`
  await new KafkaAdmin(cluster).createTopics([{ topic: ticks, partitions: PARTITIONS / 2 }])
  await expect(startWorker(sums.pipeline)).rejects.toMatchObject({
    code: 'TOPOLOGY_PARTITIONS_CHANGED',
    message: expect.stringContaining(`needs 4 partitions of '${ticks}'`) as unknown,
  })
})

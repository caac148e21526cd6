/** Versions of a pipeline over one state, on a real broker and registry: onwards, back, and refused. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import {
  createRecordDecoder,
  RecordEncoder,
  WIRE_HEADER_BYTES,
} from '../../pipelines/runtime/avro/index.ts'
import {
  cell,
  copartitioned,
  definePipeline,
  minutes,
  row,
  session,
  tumbling,
} from '../../pipelines/runtime/index.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  readToEnd,
  SchemaRegistryClient,
  StreamWorker,
  type KafkaCluster,
} from '../../pipelines/runtime/kafka/index.ts'
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import type { Rollup } from '../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { allTopics, signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { registeredSchemaId, registryConnection } from '../shared/registry.ts'
import { applyPipelineTopics } from '../topics/pipeline-topics.ts'
import { schemaIdsOf } from './schema-ids.ts'

const PARTITIONS = 4
const config = readConfig(stackEnvironment())
const connection = registryConnection(config.schemaRegistry)
let cluster: KafkaCluster

beforeAll(() => {
  cluster = kafkaCluster(config, { clientId: 'state-evolution-test' })
})
afterAll(() => cluster.close())

interface Version {
  readonly version?: number
  readonly row?: Readonly<Record<string, number>>
  /** Fields of the cell beside the first one. */
  readonly more?: readonly object[]
  readonly sizeMs?: number
}

/** One key whose every record says what is known of the key. */
const build = (name: string, change: Version = {}) => {
  const { version = 1, row: initial = { count: 0, sum: 0 }, more = [], sizeMs = 60_000 } = change
  const input = { ...telemetryMetrics, name: `${name}.points` }
  const output = { ...signalsRollups, name: `${name}.said` }
  const windowed = {
    ...{ input: 'points', row: { ...initial }, add: () => undefined, close: () => undefined },
  }
  const pipeline = definePipeline({
    name,
    version,
    inputs: { points: copartitioned(input, ['value']) },
    state: {
      totals: row(initial),
      texts: cell<{ texts: string[] }>({
        type: 'record',
        name: 'Texts',
        fields: [{ name: 'texts', type: { type: 'array', items: 'string' } }, ...more],
      }),
    },
    outputs: { said: output },
    windows: {
      minute: { ...windowed, window: tumbling({ sizeMs, graceMs: 0 }) },
      visit: {
        ...windowed,
        merge: () => undefined,
        window: session({ gapMs: 60_000, graceMs: 0 }),
      },
    },
    on: {
      points({ value }, { totals, texts }, context) {
        for (const field of Object.keys(initial)) totals[field] = (totals[field] ?? 0) + value
        const known = texts.get()
        texts.set({ ...known, texts: [...(known?.texts ?? []), String(value)] })
        const numbers = Object.keys(initial).map((field) => `${field}=${String(totals[field])}`)
        context.emit('said', {
          ...{ windowStart: 0, windowEnd: 0, tenant: name, name: 'load', labels: {} },
          series: `${numbers.sort().join()} ${JSON.stringify(texts.get())}`,
          ...{ count: 0, sum: 0, min: 0, max: 0, mean: 0, sketch: Buffer.alloc(0) },
        })
      },
    },
    keyIdleTtlMs: minutes(10_000),
    keyLimit: { perTask: 10, perGroup: 10, groupOf: () => '' },
  })
  return { pipeline, input, output }
}
type Built = ReturnType<typeof build>

const apply = async ({ pipeline, input, output }: Built): Promise<readonly string[]> => {
  const topics = [...allTopics, input as never, output as never]
  const wanted = { topics, pipelines: [pipeline], partitions: PARTITIONS }
  const refusals = await applyPipelineTopics(wanted, { cluster, connection })
  return refusals.map((refusal) => JSON.stringify(refusal))
}

const pointOf = ({ pipeline }: Built, value: number): MetricPoint => ({
  ...{
    timestamp: 1_000,
    value,
    tenant: pipeline.name,
    name: 'load',
    labels: {},
    unit: null,
    kind: 'unspecified',
  },
})

const produce = async (built: Built, values: readonly number[]): Promise<void> => {
  const { input } = built
  const schemaId = await registeredSchemaId(input, connection)
  const encoder = new RecordEncoder<MetricPoint>({ schema: input.schema, schemaId })
  const producer = new IdempotentProducer({ cluster, name: input.name })
  await producer.prepare([input.name])
  for (const value of values) {
    const point = pointOf(built, value)
    const key = Buffer.from(input.keyOf(point))
    void producer.append({ topic: input.name, key, value: Buffer.from(encoder.encode(point)) })
  }
  await producer.close()
}

const readSaid = async ({ output }: Built): Promise<string[]> => {
  const decoder = createRecordDecoder<Rollup>({ writerSchema: output.schema })
  const said: string[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await readToEnd({
      cluster,
      topic: output.name,
      partition,
      until: 'last-stable',
      onRecords(records) {
        while (records.next()) {
          const start = records.valueStart + WIRE_HEADER_BYTES
          said.push(decoder.decode(records.buffer, start, records.valueEnd).series)
        }
      },
    })
  }
  return said
}

/** A worker at work until `until` says so. */
const work = async (
  built: Built,
  until: (worker: StreamWorker) => Promise<void>,
): Promise<void> => {
  const own = kafkaCluster(config, { clientId: 'state-evolution-test' })
  const failures: Error[] = []
  const worker = new StreamWorker({
    cluster: own,
    registry: new SchemaRegistryClient(connection),
    pipeline: built.pipeline,
    applicationId: 'test',
    schemaIds: await schemaIdsOf(built.pipeline, connection),
    commitIntervalMs: 20,
    sessionTimeoutMs: 6_000,
    onFailure: (error) => failures.push(error),
  })
  await worker.start()
  try {
    await until(worker)
  } finally {
    await worker.stop()
    await own.close()
  }
  expect(failures).toEqual([])
}

/** What the record behind `count` others made it say. */
const takes = async (built: Built, values: readonly number[], count: number): Promise<string> => {
  let said: string[] = []
  await work(built, async () => {
    await produce(built, values)
    said = await eventually(
      () => readSaid(built),
      (found) => found.length >= count,
    )
  })
  expect(said).toHaveLength(count)
  return said.at(-1) ?? ''
}

const refuses = (built: Built, says: RegExp): Promise<void> =>
  work(built, async (worker) => {
    const readiness = await eventually(
      () => Promise.resolve(worker.readiness()),
      (found) => typeof found === 'string' && says.test(found),
    )
    expect(readiness).toMatch(says)
  })

const groupOf = (name: string): string => `test.${name}`

it('goes on with a changed state, and back again; the registry refuses what could not', async () => {
  const name = uniqueName('evolves')
  const first = build(name)
  expect(await apply(first)).toEqual([])
  expect(await takes(first, [1, 2], 2)).toBe('count=3,sum=3 {"texts":["1","2"]}')
  const second = build(name, {
    version: 2,
    row: { added: 100, sum: 0 },
    more: [{ name: 'note', type: 'string', default: 'none' }],
  })
  expect(await apply(second)).toEqual([])
  expect(await takes(second, [3], 3)).toBe('added=103,sum=6 {"texts":["1","2","3"],"note":"none"}')
  expect(await takes(first, [4], 4)).toBe('count=4,sum=10 {"texts":["1","2","3","4"]}')
  const third = build(name, { version: 3, more: [{ name: 'note', type: 'string' }] })
  expect((await apply(third)).join()).toContain(`${name}.texts.changelog`)
})

it('stops before what does not fit, and reads nothing twice', async () => {
  const name = uniqueName('refuses')
  const built = build(name)
  expect(await apply(built)).toEqual([])
  await takes(built, [1, 2], 2)

  await refuses(build(name, { version: 2, sizeMs: 120_000 }), /window 'minute' had sizeMs 60000/)

  // Committed offsets that have expired: the state has its own.
  const admin = new KafkaAdmin(cluster)
  await admin.deleteGroups([groupOf(name)])
  expect(await takes(built, [3], 3)).toContain('sum=6')

  const nobody = { groupId: groupOf(name), memberId: '', generationId: -1 }
  const key = Buffer.from(built.input.keyOf(pointOf(built, 1)))
  const partition = toPartition(murmur2(key), PARTITIONS)
  await cluster.commitOffsets(nobody, [{ topic: built.input.name, partition, offset: 1 }])
  await refuses(built, /up to offset 3, but the group's committed offset is 1/)
  await admin.deleteGroups([groupOf(name)])

  await admin.deleteTopics([built.input.name])
  cluster.forgetTopic(built.input.name)
  expect(await apply(built)).toEqual([])
  await refuses(built, /was deleted and created again/)
  expect(await readSaid(built)).toHaveLength(3)
})

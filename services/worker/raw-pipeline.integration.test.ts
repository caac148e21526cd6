/** A raw pipeline against a real broker: topics that come, grow and are made anew, and commits that fail. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../pipelines/runtime/avro/index.ts'
import { defineRawPipeline, raw, Undecodable } from '../../pipelines/runtime/index.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  readToEnd,
  SchemaRegistryClient,
  StreamWorker,
  type KafkaCluster,
} from '../../pipelines/runtime/kafka/index.ts'
import type { LogEntry } from '../../schemas/generated/telemetry-logs.ts'
import { telemetryLogs } from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { registryConnection } from '../shared/registry.ts'
import { applyPipelineTopics } from '../topics/pipeline-topics.ts'
import { schemaIdsOf } from './schema-ids.ts'

const PARTITIONS = 4
/** A record says so many things. */
const WORDS = 50
const config = readConfig(stackEnvironment())
const connection = registryConnection(config.schemaRegistry)
let cluster: KafkaCluster

beforeAll(() => {
  cluster = kafkaCluster(config, { clientId: 'raw-pipeline-test' })
})
afterAll(() => cluster.close())

const build = (name: string) => {
  const output = { ...telemetryLogs, name: `${name}.logs` }
  const pipeline = defineRawPipeline({
    name,
    version: 1,
    inputs: {
      words: raw(`${name}.words`, {
        decode: ({ value }) => {
          const text = value?.toString('utf8') ?? ''
          return text.startsWith('!') ? new Undecodable('no words') : text.split(' ')
        },
      }),
    },
    outputs: { logs: output },
    on: {
      words(words, _state, context) {
        for (const word of words) {
          context.emit('logs', {
            ...{ timestamp: 1, tenant: 't', service: word, message: word, level: 'info' },
            ...{ labels: {}, resource: {}, environment: null, traceId: null, spanId: null },
          })
        }
      },
    },
  })
  return { pipeline, output, source: `${name}.words` }
}
type Built = ReturnType<typeof build>

const applied = async (): Promise<Built> => {
  const built = build(uniqueName('words'))
  const wanted = { topics: [built.output as never], pipelines: [built.pipeline] }
  const servers = { cluster, connection }
  expect(await applyPipelineTopics({ ...wanted, partitions: PARTITIONS }, servers)).toEqual([])
  return built
}

/** As foreign topics are: any number of partitions, stamps of producers. */
const createSource = (topic: string, partitions: number) =>
  new KafkaAdmin(cluster).createTopics([
    { topic, partitions, configs: { 'message.timestamp.type': 'CreateTime' } },
  ])

const wordsOf = (prefix: string, record: number): string[] =>
  Array.from({ length: WORDS }, (_, word) => `${prefix}-${String(record)}-${String(word)}`)

/** Without keys, `count` records dealt over the partitions; every tenth more is junk. */
const produce = async (topic: string, prefix: string, count: number): Promise<void> => {
  cluster.forgetTopic(topic)
  const partitions = await cluster.partitionCount(topic)
  const producer = new IdempotentProducer({ cluster, name: uniqueName('words') })
  await producer.prepare([topic])
  for (let index = 0; index < count; index++) {
    const partition = index % partitions
    const value = Buffer.from(wordsOf(prefix, index).join(' '))
    void producer.append({ topic, partition, key: null, value })
    if (index % 10 === 0) {
      void producer.append({ topic, partition, key: null, value: Buffer.from('!') })
    }
  }
  await producer.close()
}

const said = async ({ output }: Built): Promise<string[]> => {
  const decoder = createRecordDecoder<LogEntry>({ writerSchema: output.schema })
  const words: string[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await readToEnd({
      ...{ cluster, topic: output.name, partition, until: 'last-stable' },
      onRecords(records) {
        while (records.next()) {
          const start = records.valueStart + WIRE_HEADER_BYTES
          words.push(decoder.decode(records.buffer, start, records.valueEnd).message)
        }
      },
    })
  }
  return words
}

const expected = (...parts: readonly (readonly [prefix: string, count: number])[]): string[] =>
  parts
    .flatMap(([prefix, count]) =>
      Array.from({ length: count }, (_, record) => wordsOf(prefix, record)).flat(),
    )
    .sort()

const expectSaid = async (built: Built, words: readonly string[]): Promise<void> => {
  const found = await eventually(
    () => said(built),
    (each) => each.length >= words.length,
    { timeoutMs: 30_000 },
  )
  expect(found.sort()).toEqual(words)
}

const startWorker = async ({ pipeline }: Built, failEvery = Infinity) => {
  const own = kafkaCluster(config, { clientId: 'raw-pipeline-test' })
  const failures: Error[] = []
  let commits = 0
  const worker = new StreamWorker({
    ...{ cluster: own, pipeline, applicationId: 'test' },
    registry: new SchemaRegistryClient(connection),
    schemaIds: await schemaIdsOf(pipeline, connection),
    ...{ commitIntervalMs: 20, sessionTimeoutMs: 6_000, partitionsEveryMs: 300 },
    onFailure: (error) => failures.push(error),
    onStage(stage) {
      if (stage !== 'produced') return
      commits += 1
      if (commits % failEvery === 0) throw new Error('injected between produce and end')
    },
  })
  await worker.start()
  const stop = async (): Promise<void> => {
    await worker.stop()
    await own.close()
    expect(failures).toEqual([])
  }
  return { worker, stop }
}

it('waits for a topic, explodes each record once though commits fail, and takes it when it is made anew', async () => {
  const built = await applied()
  const { worker, stop } = await startWorker(built, 5)
  const ready = () => Promise.resolve(worker.readiness())
  expect(await eventually(ready, (readiness) => readiness === true)).toBe(true)
  expect(worker.foreignTopics).toEqual([{ topic: built.source, partitions: 0 }])

  await createSource(built.source, 3)
  await produce(built.source, 'first', 200)
  await expectSaid(built, expected(['first', 200]))
  expect(worker.foreignTopics).toEqual([{ topic: built.source, partitions: 3 }])
  const letters = () =>
    worker.tasks.reduce(
      (sum, { runner }) => sum + (runner.task.counters.deadLetters.get('undecodable') ?? 0),
      0,
    )
  expect(letters()).toBeGreaterThan(0)

  await new KafkaAdmin(cluster).deleteTopics([built.source])
  await eventually(
    () => Promise.resolve(worker.foreignTopics),
    ([source]) => source?.partitions === 0,
  )
  await createSource(built.source, 6) // more than there are tasks
  await produce(built.source, 'second', 60)
  await expectSaid(built, expected(['first', 200], ['second', 60]))
  await stop()

  await produce(built.source, 'third', 30)
  const again = await startWorker(built)
  await expectSaid(built, expected(['first', 200], ['second', 60], ['third', 30]))
  await again.stop()
})

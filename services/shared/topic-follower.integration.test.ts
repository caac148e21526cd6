import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { IdempotentProducer, KafkaAdmin } from '../../pipelines/runtime/kafka/index.ts'
import { controlKeys } from '../../schemas/topics.ts'
import { applyPipelineTopics } from '../topics/pipeline-topics.ts'
import { readConfig } from './config.ts'
import { testKey } from './identity/testing/test-keys.ts'
import { kafkaCluster } from './kafka.ts'
import { createLogger } from './logger.ts'
import { registryConnection, schemaRegistry, topicEncoder } from './registry.ts'
import { TopicFollower } from './topic-follower.ts'

const config = readConfig(stackEnvironment())
const cluster = kafkaCluster(config)
const connection = registryConnection(config.schemaRegistry)
beforeAll(async () => {
  const wanted = { topics: [controlKeys], pipelines: [], partitions: 1 }
  expect(await applyPipelineTopics(wanted, { cluster, connection })).toEqual([])
})
afterAll(() => cluster.close())

it('begins anew with a topic that was made anew, however long that one is', async () => {
  const topic = { ...controlKeys, name: uniqueName('followed') }
  const admin = new KafkaAdmin(cluster)
  const make = () =>
    admin.createTopics([{ topic: topic.name, partitions: 1, replicationFactor: 1 }])
  const encoder = await topicEncoder(controlKeys, connection)
  const publish = async (...names: readonly string[]) => {
    const producer = new IdempotentProducer({ cluster, name: uniqueName('writer') })
    for (const name of names) {
      const value = encoder.encode(testKey({ name }).entry)
      await producer.send({ topic: topic.name, key: Buffer.from(name), value: Buffer.from(value) })
    }
    await producer.close()
  }
  await make()
  await publish('old')
  let names: string[] = []
  const follower = new TopicFollower({
    cluster,
    registry: schemaRegistry(config),
    logger: createLogger({ service: 'test', level: 'silent' }),
    topic,
    onValue: ({ name }) => names.push(name) > 0,
    onNew: () => {
      names = []
    },
    // Not so often that the new topic is seen while it is shorter than the old one.
    askEveryMs: 3_000,
  })
  try {
    const known = (wanted: string) =>
      eventually(
        () => names.join(),
        (now) => now === wanted,
      )
    expect(await known('old')).toBe('old')
    await admin.deleteTopics([topic.name])
    await eventually(make, (made) => made.length === 1)
    await publish('one', 'two')
    expect(await known('one,two')).toBe('one,two')
  } finally {
    await follower.close()
  }
})

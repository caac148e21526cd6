import { afterAll, beforeAll, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { KafkaCluster } from '../../pipelines/runtime/kafka/cluster.ts'
import { allTopics } from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { applyTopics, type TopicServers } from './apply.ts'
import { kafkaTopicAdmin } from './kafka-topic-admin.ts'
import { subjectRegistry } from './subject-registry.ts'
import { wantedFromCatalogue, wantedInternal, type WantedTopic } from './wanted-topic.ts'

const config = readConfig(stackEnvironment())
const prefix = uniqueName('apply')
let cluster: KafkaCluster
let servers: TopicServers

beforeAll(() => {
  cluster = new KafkaCluster({ brokers: config.kafka.brokers, clientId: 'topics-test' })
  const registry = subjectRegistry({ url: config.schemaRegistry.url })
  servers = { admin: kafkaTopicAdmin(cluster), registry }
})
afterAll(() => cluster.close())

const schema = (...fields: readonly object[]) => ({
  type: 'record',
  namespace: 'test',
  name: 'Thing',
  fields,
})
const id = { name: 'id', type: 'string' }
const thing = (name: string, ...fields: readonly object[]): WantedTopic => ({
  name: `${prefix}.${name}`,
  summary: 'A thing.',
  partitions: 2,
  settings: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '3600000' },
  subject: {
    name: `${prefix}.${name}-value`,
    schema: schema(...fields),
    compatibility: 'BACKWARD_TRANSITIVE',
  },
})

it('creates the whole catalogue and the internal topics of a pipeline, and a second time nothing', async () => {
  const renamed = allTopics.map((topic) => ({ ...topic, name: `${prefix}.${topic.name}` }))
  const kinds = ['changelog', 'repartition', 'order', 'ticks', 'late', 'dead-letter'] as const
  const internal = kinds.map((kind) => ({ name: `${prefix}.p.${kind}`, kind, partitions: 3 }))
  const wanted = [...wantedFromCatalogue(renamed, 3), ...wantedInternal(internal)]

  const first = await applyTopics(wanted, servers)
  expect(first.refusals).toEqual([])
  expect(first.applied).toBe(true)
  expect(first.steps.filter(({ kind }) => kind === 'create-topic')).toHaveLength(wanted.length)

  const second = await applyTopics(wanted, servers)
  expect(second).toMatchObject({ steps: [], refusals: [], notes: [] })
  expect(second.unchanged).toHaveLength(wanted.length)

  const found = await servers.admin.describeTopics(wanted.map(({ name }) => name))
  for (const topic of wanted) {
    expect(found.get(topic.name)).toMatchObject({
      partitions: topic.partitions,
      settings: { ...topic.settings },
    })
  }
})

it('shows and does nothing on a dry run', async () => {
  const wanted = [thing('dry', id)]
  const { applied, steps } = await applyTopics(wanted, servers, { dryRun: true })
  expect(applied).toBe(false)
  expect(steps.map(({ kind }) => kind)).toEqual([
    ...['create-topic', 'set-compatibility', 'register-schema'],
  ])
  expect(await servers.admin.listTopics()).not.toContain(`${prefix}.dry`)
  expect(await servers.registry.find(`${prefix}.dry-value`)).toBeUndefined()
})

it('refuses an incompatible schema, by itself and by the registry, and changes nothing', async () => {
  await applyTopics([thing('evolving', id)], servers)
  const size = { name: 'size', type: 'double' }
  const incompatible = thing('evolving', id, size)
  const other = thing('untouched', id)

  const refused = await applyTopics([other, incompatible], servers)
  expect(refused.applied).toBe(false)
  expect(refused.refusals).toMatchObject([{ kind: 'schema', name: `${prefix}.evolving-value` }])
  expect(await servers.admin.listTopics()).not.toContain(other.name)
  await expect(
    servers.registry.register({
      subject: `${prefix}.evolving-value`,
      schema: schema(id, size),
      compatibility: 'BACKWARD_TRANSITIVE',
    }),
  ).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })

  const compatible = thing('evolving', id, { ...size, default: 0 })
  expect((await applyTopics([compatible], servers)).steps.map(({ kind }) => kind)).toEqual([
    'register-schema',
  ])
  expect((await servers.registry.find(`${prefix}.evolving-value`))?.versions).toHaveLength(2)
})

it('refuses another partition count', async () => {
  await applyTopics([thing('counted', id)], servers)
  const more = { ...thing('counted', id), partitions: 5 }
  const { refusals } = await applyTopics([more], servers)
  expect(refusals[0]?.reason).toMatch(/has 2 partitions, not 5/)
  expect((await servers.admin.describeTopics([more.name])).get(more.name)?.partitions).toBe(2)
})

it('repairs a topic that takes the stamps of its producers', async () => {
  const wanted = thing('stamped', id)
  const wrong = { 'message.timestamp.type': 'CreateTime', 'retention.ms': '7200000' }
  await servers.admin.createTopics([{ name: wanted.name, partitions: 2, settings: wrong }])
  const { notes } = await applyTopics([wanted], servers)
  expect(notes).toEqual([expect.stringContaining('keeps retention.ms=7200000')])
  // The controller has the change; the broker that answers learns of it a moment later.
  const settings = async () =>
    (await servers.admin.describeTopics([wanted.name])).get(wanted.name)?.settings
  await expect.poll(settings, { timeout: 10_000 }).toMatchObject({
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': '7200000',
  })
})

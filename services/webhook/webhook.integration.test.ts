/** The webhook against a real broker, a real registry and a real HTTP server. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  type KafkaCluster,
} from '../../pipelines/runtime/kafka/index.ts'
import { anomalySchema, type Anomaly } from '../../schemas/generated/signals-anomalies.ts'
import { signalsAnomalies } from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { createLogger } from '../shared/logger.ts'
import { createMetrics } from '../shared/metrics.ts'
import { schemaRegistry } from '../shared/registry.ts'
import { Secret } from '../shared/secret.ts'
import { TopicDecoder } from '../shared/topic-decoder.ts'
import { testAnomaly } from './testing/test-anomaly.ts'
import { startWebhook, type RunningWebhook } from './webhook.ts'

type Answer = number | { readonly status: number; readonly headers: Record<string, string> }

interface Post {
  readonly key: string
  readonly atMs: number
  readonly anomaly: { readonly id: string; readonly revision: number; readonly message: string }
}

const config = readConfig(stackEnvironment())
let cluster: KafkaCluster
let producer: IdempotentProducer
let encoder: RecordEncoder<Anomaly>
let receiver: Server
/** What the receiver answers; replaced by each test. */
let answer: (post: Post) => Answer | undefined
let posts: Post[] = []
const running: RunningWebhook[] = []

beforeAll(async () => {
  cluster = kafkaCluster(config)
  producer = new IdempotentProducer({ cluster, name: 'webhook-test' })
  const registry = schemaRegistry(config)
  const subject = `${uniqueName('webhook')}-value`
  const schemaId = await registry.register(subject, anomalySchema, 'BACKWARD_TRANSITIVE')
  encoder = new RecordEncoder<Anomaly>({ schema: anomalySchema, schemaId })
  receiver = createServer((request, response) => void receive(request, response))
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((webhook) => webhook.stop()))
  posts = []
})

afterAll(async () => {
  await producer.close()
  await cluster.close()
  receiver.closeAllConnections()
  receiver.close()
})

const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { anomaly } = JSON.parse(await request.toArray().then((parts) => parts.join(''))) as Post
  const post = { key: String(request.headers['idempotency-key']), atMs: performance.now(), anomaly }
  posts.push(post)
  const given = answer(post)
  if (given === undefined) return // never answered
  const { status, headers = {} } = typeof given === 'number' ? { status: given } : given
  response.writeHead(status, headers).end()
}

const createTopic = async (): Promise<string> => {
  const topic = uniqueName('anomalies')
  await new KafkaAdmin(cluster).createTopics([
    { topic, partitions: 2, replicationFactor: 1, configs: {} },
  ])
  await producer.prepare([topic])
  return topic
}

const publish = (topic: string, ...anomalies: readonly Anomaly[]) =>
  Promise.all(
    anomalies.map((anomaly) =>
      producer.send({
        topic,
        key: Buffer.from(anomaly.series),
        value: Buffer.from(encoder.encode(anomaly)),
      }),
    ),
  )

const live = (text: string) => ({ current: () => Promise.resolve(new Secret(text)) })

/** Patient by default: on a busy machine an answer that was given may take its time to arrive. */
const start = async (topic: string, groupId: string, { answerWithinMs = 10_000 } = {}) => {
  const failures: unknown[] = []
  const own = kafkaCluster(config, { clientId: 'webhook-test' })
  const { port } = receiver.address() as AddressInfo
  const webhook = startWebhook({
    url: live(`http://127.0.0.1:${String(port)}/hook`),
    secret: live('a secret of some length'),
    cluster: own,
    tenants: ['*', '!replay-*'],
    decoder: new TopicDecoder(signalsAnomalies, schemaRegistry(config)),
    topic,
    groupId,
    logger: createLogger({ service: 'webhook', level: 'silent' }),
    metrics: createMetrics({ service: 'webhook', processMetrics: false }),
    onFailure: (error) => failures.push(error),
    answerWithinMs,
    graceMs: 200,
  })
  const handle = {
    ...webhook,
    async stop() {
      await webhook.stop()
      await own.close()
      expect(failures).toEqual([])
    },
  }
  running.push(handle)
  await vi.waitFor(() => {
    expect(webhook.ready()).toBe(true)
  }, patience)
  return handle
}

const stopped = async (webhook: RunningWebhook) => {
  running.splice(running.indexOf(webhook), 1)
  await webhook.stop()
}

const patience = { timeout: 30_000, interval: 20 }
const keys = () => posts.map(({ key }) => key)
const received = (expected: readonly string[]) =>
  vi.waitFor(() => {
    expect(keys().sort()).toEqual([...expected].sort())
  }, patience)

const revisions = (id: string, count: number): Anomaly[] =>
  Array.from({ length: count }, (_, index) => testAnomaly({ id, revision: index + 1, series: id }))

it('posts every revision once, in order per anomaly', async () => {
  answer = () => 204
  const topic = await createTopic()
  await start(topic, topic)
  const ids = ['a', 'b', 'c', 'd', 'e']
  await publish(topic, ...ids.flatMap((id) => revisions(id, 20)))
  await received(ids.flatMap((id) => revisions(id, 20).map(({ revision }) => `${id}-${revision}`)))
  for (const id of ids) {
    const order = posts
      .filter((post) => post.anomaly.id === id)
      .map((post) => post.anomaly.revision)
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  }
})

it('repeats what failed, before the next revision, and others go on meanwhile', async () => {
  const failuresLeft = new Map([['slow-1', 2]])
  answer = ({ key }) => {
    const left = failuresLeft.get(key) ?? 0
    failuresLeft.set(key, left - 1)
    return left > 0 ? 503 : 200
  }
  const topic = await createTopic()
  await start(topic, topic)
  await publish(topic, ...revisions('slow', 2), ...revisions('quick', 1))
  await received(['slow-1', 'slow-1', 'slow-1', 'slow-2', 'quick-1'])
  expect(keys().indexOf('quick-1')).toBeLessThan(keys().lastIndexOf('slow-1'))
  expect(keys().at(-1)).toBe('slow-2')
})

it('waits as long as the receiver asks', async () => {
  answer = () => (posts.length === 1 ? { status: 429, headers: { 'retry-after': '1' } } : 200)
  const topic = await createTopic()
  await start(topic, topic)
  await publish(topic, ...revisions('a', 1))
  await received(['a-1', 'a-1'])
  expect((posts[1]?.atMs ?? 0) - (posts[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(1000)
})

it('repeats what was never answered', async () => {
  answer = () => (posts.length === 1 ? undefined : 200)
  const topic = await createTopic()
  await start(topic, topic, { answerWithinMs: 300 })
  await publish(topic, ...revisions('a', 1))
  await received(['a-1', 'a-1'])
})

it('does not repeat what was refused, nor stop at what is no anomaly', async () => {
  answer = ({ key }) => (key === 'a-1' ? 422 : 200)
  const topic = await createTopic()
  await start(topic, topic)
  await publish(topic, ...revisions('a', 1))
  await producer.send({ topic, key: Buffer.from('a'), value: Buffer.from('no Avro') })
  await publish(topic, { ...revisions('a', 2)[1]!, revision: 2 })
  await received(['a-1', 'a-2'])
})

it('passes over tenants that nobody wants to be told of', async () => {
  answer = () => 204
  const topic = await createTopic()
  await start(topic, topic)
  const history = revisions('history', 2).map((each) => ({ ...each, tenant: 'replay-nab' }))
  await publish(topic, ...history, ...revisions('live', 1))
  await received(['live-1'])
})

it('goes on where it stopped: nothing answered comes again, nothing unanswered is lost', async () => {
  answer = ({ anomaly }) => (anomaly.id === 'stuck' ? 503 : 200)
  const topic = await createTopic()
  const first = await start(topic, topic)
  await publish(topic, ...revisions('done', 3))
  await received(['done-1', 'done-2', 'done-3'])
  await publish(topic, ...revisions('stuck', 1))
  await vi.waitFor(() => {
    expect(keys()).toContain('stuck-1')
  }, patience)
  await stopped(first)
  posts = []
  answer = () => 200
  await publish(topic, ...revisions('later', 1))
  await start(topic, topic)
  await received(['stuck-1', 'later-1'])
})

it('does not post what was there before anybody asked for a webhook', async () => {
  answer = () => 200
  const topic = await createTopic()
  await publish(topic, ...revisions('old', 2))
  await start(topic, topic)
  await publish(topic, ...revisions('new', 1))
  await received(['new-1'])
})

it('shares the anomalies with another of its kind, and takes over from it', async () => {
  answer = () => 200
  const topic = await createTopic()
  const ids = Array.from({ length: 10 }, (_, index) => `s${index}`)
  const first = await start(topic, topic)
  await start(topic, topic)
  await publish(topic, ...ids.flatMap((id) => revisions(id, 1)))
  await vi.waitFor(() => {
    expect([...new Set(keys())].sort()).toEqual(ids.map((id) => `${id}-1`))
  }, patience)
  await stopped(first)
  await publish(topic, ...ids.map((id) => ({ ...revisions(id, 2)[1]! })))
  await vi.waitFor(() => {
    expect(new Set(keys()).size).toBe(20)
  }, patience)
})

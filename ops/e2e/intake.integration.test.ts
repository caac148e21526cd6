/**
 * Foreign topics on the real broker: what others put there comes to the topics of the catalogue,
 * once, though the worker is killed at its work.
 */
import { CloudEvent, Kafka } from 'cloudevents'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { attributes, encodeOtlp, nanos } from '../../pipelines/intake/otlp/testing/encode.ts'
import { KafkaAdmin } from '../../pipelines/runtime/kafka/index.ts'
import {
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

const PARTITIONS = 3
const tenant = uniqueName('shop')
const topics = {
  metrics: uniqueName('otlp_metrics'),
  logs: uniqueName('otlp_logs'),
  spans: uniqueName('otlp_spans'),
  events: uniqueName('events'),
}
const environment = {
  ...stackEnvironment(),
  MILLRACE_INTAKE_TOPICS: [
    `${topics.metrics}=otlp-metrics@${tenant}`,
    `${topics.logs}=otlp-logs@${tenant}`,
    `${topics.spans}=otlp-traces@${tenant}`,
    `${topics.events}=cloudevents@${tenant}`,
  ].join(),
}
const config = readConfig(environment)
let broker: BrokerSide
let worker: ProductProcess

const startWorker = () =>
  ProductProcess.start({ command: ['worker', '--only', 'intake'], environment })

beforeAll(async () => {
  broker = await BrokerSide.open(config)
  // As foreign topics are: stamps of producers.
  const configs = { 'message.timestamp.type': 'CreateTime' }
  await new KafkaAdmin(broker.cluster).createTopics(
    Object.values(topics).map((topic) => ({ topic, partitions: PARTITIONS, configs })),
  )
  worker = await startWorker()
})
afterAll(async () => {
  expect(await worker.stop()).toBe(0)
  await broker.close()
})

let sent = 0
/** Keys are of no use, partitions come in turn: as the Collector does by default. */
const send = (topic: string, value: Buffer, headers: Readonly<Record<string, unknown>> = {}) =>
  broker.send({
    ...{ topic, partition: sent++ % PARTITIONS, key: null, value },
    headers: Object.entries(headers).flatMap(([key, text]) =>
      typeof text === 'string' ? [{ key, value: Buffer.from(text) }] : [],
    ),
  })

const SERVICES = 10
const POINTS = 20
const resource = (service: string) => ({ attributes: attributes({ 'service.name': service }) })

/** One message: points of several services, at times that no other message has. */
const metricsOf = (message: number): Buffer =>
  encodeOtlp(
    'metrics',
    {
      resourceMetrics: Array.from({ length: SERVICES }, (_, service) => ({
        resource: resource(`s${String(service)}`),
        scopeMetrics: [
          {
            metrics: [
              {
                name: 'load',
                gauge: {
                  dataPoints: Array.from({ length: POINTS }, (__, index) => ({
                    timeUnixNano: nanos(Date.now() - 60_000 - message * POINTS - index),
                    asDouble: message * POINTS + index,
                  })),
                },
              },
            ],
          },
        ],
      })),
    },
    message % 2 === 0 ? 'protobuf' : 'json',
  )

const loads = async (): Promise<string[]> =>
  (await broker.values(telemetryMetrics, tenant))
    .filter(({ name }) => name === 'load')
    .map(({ labels, value }) => `${labels['service.name'] ?? ''} ${String(value)}`)

it('takes messages apart, each once, though the worker is killed', async () => {
  const MESSAGES = 60
  for (let message = 0; message < MESSAGES; message++) {
    await send(topics.metrics, metricsOf(message))
    if (message !== 30) continue
    await eventually(loads, (found) => found.length > message * POINTS)
    await worker.kill()
    worker = await startWorker()
  }
  await send(topics.metrics, Buffer.from('junk'))
  const total = MESSAGES * SERVICES * POINTS
  const found = await eventually(loads, ({ length }) => length >= total, { timeoutMs: 90_000 })
  expect(new Set(found).size).toBe(total)
  expect(found).toHaveLength(total)
  const letters = await eventually(
    async () =>
      (await broker.records('intake.dead-letter')).filter(
        ({ value }) => value?.toString() === 'junk',
      ),
    ({ length }) => length > 0,
  )
  expect(letters).toHaveLength(1)
}, 240_000)

it('takes logs and spans to the services and traces that they are of', async () => {
  const time = nanos(Date.now())
  const log = { timeUnixNano: time, body: { stringValue: 'hello' }, severityNumber: 17 }
  const span = { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), name: 'GET /' }
  const times = { startTimeUnixNano: time, endTimeUnixNano: time + 5_000_000n }
  const logs = {
    resourceLogs: [{ resource: resource('cart'), scopeLogs: [{ logRecords: [log] }] }],
  }
  const traces = {
    resourceSpans: [
      { resource: resource('cart'), scopeSpans: [{ spans: [{ ...span, ...times }] }] },
    ],
  }
  await send(topics.logs, encodeOtlp('logs', logs, 'protobuf'))
  await send(topics.spans, encodeOtlp('traces', traces, 'json'))
  const some = ({ length }: readonly unknown[]): boolean => length > 0
  const entries = await eventually(() => broker.values(telemetryLogs, tenant), some)
  expect(entries).toMatchObject([{ service: 'cart', level: 'error', message: 'hello' }])
  const spans = await eventually(() => broker.values(telemetrySpans, tenant), some)
  expect(spans).toMatchObject([{ service: 'cart', traceId: '01'.repeat(16), durationUs: 5_000 }])
})

it('takes what the CloudEvents SDK writes for Kafka, in both modes', async () => {
  const events = ['binary', 'structured'].map((id) => {
    const type = 'dev.cdevents.service.deployed.0.2.0'
    const context = {
      version: '0.4.1',
      id,
      source: '/ci',
      type,
      timestamp: new Date().toISOString(),
    }
    const content = { environment: { id: 'production' }, artifactId: 'pkg:oci/cart@1.4.2' }
    const data = { context, subject: { id: 'cart', type: 'service', content } }
    return new CloudEvent({ id, source: '/ci', type, datacontenttype: 'application/json', data })
  })
  const [binary, structured] = [Kafka.binary(events[0]!), Kafka.structured(events[1]!)]
  for (const { value, headers } of [binary, structured]) {
    const bytes = typeof value === 'string' ? value : JSON.stringify(value)
    await send(topics.events, Buffer.from(bytes), headers)
  }
  const deployments = await eventually(
    () => broker.values(telemetryDeployments, tenant),
    ({ length }) => length >= 2,
  )
  const about = { service: 'cart', environment: 'production', version: '1.4.2', tenant }
  expect(deployments).toMatchObject([about, about])
  expect(deployments.map(({ sourceId }) => sourceId).sort()).toEqual([
    '/ci binary',
    '/ci structured',
  ])
})

/**
 * A real OpenTelemetry Collector, with the exporter's settings of docs/producers.md: what an
 * application sends to it comes through Kafka to the topics of the catalogue, once.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../infra/local/ports.ts'
import { attributes, encodeOtlp, nanos } from '../../pipelines/intake/otlp/testing/encode.ts'
import type { OtlpSignal } from '../../pipelines/intake/otlp/index.ts'
import { KafkaAdmin } from '../../pipelines/runtime/kafka/index.ts'
import { telemetryLogs, telemetryMetrics, telemetrySpans } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { collectorProgram, startCollector, type Collector } from './testing/collector.ts'
import { ProductProcess } from '../test/product-process.ts'

const BUILD_PATIENCE_MS = 1_200_000
const tenant = uniqueName('shop')
const topics = {
  metrics: uniqueName('otlp_metrics'),
  logs: uniqueName('otlp_logs'),
  traces: uniqueName('otlp_spans'),
}
const environment = {
  ...stackEnvironment(),
  MILLRACE_INTAKE_TOPICS: Object.entries(topics)
    .map(([signal, topic]) => `${topic}=otlp-${signal}@${tenant}`)
    .join(),
}
const config = readConfig(environment)
const folder = mkdtempSync(join(tmpdir(), 'millrace-collector-'))
let program: Awaited<ReturnType<typeof collectorProgram>>
let broker: BrokerSide
let worker: ProductProcess

beforeAll(async () => {
  program = await collectorProgram()
  if (typeof program === 'string') return
  broker = await BrokerSide.open(config)
  worker = await ProductProcess.start({ command: ['worker', '--only', 'intake'], environment })
  // Only now: the pipeline waits for them.
  await new KafkaAdmin(broker.cluster).createTopics(
    Object.values(topics).map((topic) => ({ topic, partitions: 3, configs: {} })),
  )
}, BUILD_PATIENCE_MS)
afterAll(async () => {
  rmSync(folder, { recursive: true })
  if (typeof program === 'string') return
  expect(await worker.stop()).toBe(0)
  await broker.close()
})

/** The exporter as it stands in the page, with other addresses and topics. */
const exporterOf = (encoding: string): string => {
  const page = readFileSync(new URL('../../docs/producers.md', import.meta.url), 'utf8')
  const block = /```yaml\n(exporters:\n {2}kafka:[\s\S]*?)```/.exec(page)?.[1] ?? ''
  const own = Object.entries(topics).map(
    ([signal, topic]) => `    ${signal}:\n      topic: ${topic}\n      encoding: ${encoding}\n`,
  )
  return block.replace('127.0.0.1:9092', config.kafka.brokers.join(', ')) + own.join('')
}

const withCollector = async (
  encoding: string,
  work: (collector: Collector, url: string) => Promise<void>,
): Promise<void> => {
  if (typeof program === 'string') throw new Error(program)
  const port = await freePort()
  const file = join(folder, `${encoding}.yaml`)
  const pipelines = Object.keys(topics).map(
    (signal) => `    ${signal}:\n      receivers: [otlp]\n      exporters: [kafka]\n`,
  )
  writeFileSync(
    file,
    `receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:${String(port)}
${exporterOf(encoding)}service:
  telemetry:
    metrics:
      level: none
  pipelines:
${pipelines.join('')}`,
  )
  const collector = startCollector(program.path, file)
  try {
    await work(collector, `http://127.0.0.1:${String(port)}`)
  } finally {
    await collector.stop()
  }
}

const SERVICES = 5
const POINTS = 20
const bodies = (encoding: string): Readonly<Record<OtlpSignal, Buffer>> => {
  const time = nanos(Date.now() - 1_000)
  const resources = Array.from({ length: SERVICES }, (_, index) => ({
    attributes: attributes({ 'service.name': `${encoding}-${String(index)}` }),
  }))
  const dataPoints = Array.from({ length: POINTS }, (_, index) => ({
    timeUnixNano: time - BigInt(index) * 1_000_000n,
    asDouble: index,
  }))
  const logRecords = [{ timeUnixNano: time, body: { stringValue: 'hello' } }]
  const ids = { traceId: Buffer.from(encoding.padEnd(16)), name: 'GET /' }
  return {
    metrics: encodeOtlp(
      'metrics',
      {
        resourceMetrics: resources.map((resource) => ({
          resource,
          scopeMetrics: [{ metrics: [{ name: 'load', gauge: { dataPoints } }] }],
        })),
      },
      'protobuf',
    ),
    logs: encodeOtlp(
      'logs',
      { resourceLogs: resources.map((resource) => ({ resource, scopeLogs: [{ logRecords }] })) },
      'protobuf',
    ),
    traces: encodeOtlp(
      'traces',
      {
        resourceSpans: resources.map((resource, index) => {
          const span = { ...ids, spanId: Buffer.alloc(8, index + 1), startTimeUnixNano: time }
          return { resource, scopeSpans: [{ spans: [{ ...span, endTimeUnixNano: time }] }] }
        }),
      },
      'protobuf',
    ),
  }
}

const post = async (url: string, signal: OtlpSignal, body: Buffer): Promise<boolean> => {
  const headers = { 'content-type': 'application/x-protobuf' }
  try {
    const answer = await fetch(`${url}/v1/${signal}`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    return answer.ok
  } catch {
    return false // it does not listen yet
  }
}

it.for(['otlp_proto', 'otlp_json'])(
  'brings metrics, logs and spans in %s, each once',
  { timeout: 180_000 },
  async (encoding, { skip }) => {
    if (typeof program === 'string') return skip(program)
    await withCollector(encoding, async (collector, url) => {
      for (const [signal, body] of Object.entries(bodies(encoding))) {
        const isTaken = await eventually(
          () => post(url, signal as OtlpSignal, body),
          (taken) => taken,
        )
        expect(isTaken, collector.output()).toBe(true)
      }
      const isOurs = (service: string | undefined): boolean =>
        service?.startsWith(encoding) ?? false
      const found = await eventually(
        async () => ({
          points: (await broker.values(telemetryMetrics, tenant)).filter(
            ({ name, labels }) => name === 'load' && isOurs(labels['service.name']),
          ),
          logs: (await broker.values(telemetryLogs, tenant)).filter((log) => isOurs(log.service)),
          spans: (await broker.values(telemetrySpans, tenant)).filter((span) =>
            isOurs(span.service),
          ),
        }),
        ({ points, logs, spans }) =>
          points.length >= SERVICES * POINTS && logs.length + spans.length >= 2 * SERVICES,
        { timeoutMs: 60_000 },
      )
      expect(found.points).toHaveLength(SERVICES * POINTS)
      expect(found.logs.map(({ message }) => message)).toEqual(Array(SERVICES).fill('hello'))
      expect(found.spans).toHaveLength(SERVICES)
    })
    expect(await broker.records('intake.dead-letter')).toEqual([])
  },
)

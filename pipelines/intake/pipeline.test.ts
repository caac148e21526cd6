/** Foreign topics in the test driver: what the Collector's Kafka exporter and senders of CloudEvents write. */
import { expect, it } from 'vitest'
import {
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
  telemetrySpans,
} from '../../schemas/topics.ts'
import { createTestDriver } from '../runtime/testing/test-driver.ts'
import { attributes, encodeOtlp, nanos, type Requests } from './otlp/testing/encode.ts'
import type { ForeignTopic } from './foreign-records.ts'
import { intake } from './pipeline.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const tenant = 'shop'
const topics: readonly ForeignTopic[] = [
  { topic: 'otlp_metrics', format: 'otlp-metrics', tenant },
  { topic: 'otlp_logs', format: 'otlp-logs', tenant },
  { topic: 'otlp_spans', format: 'otlp-traces', tenant },
  { topic: 'events', format: 'cloudevents', tenant },
]
const names = topics.map(({ topic }) => topic)

const createDriver = (partitions = 3) =>
  createTestDriver(intake(topics), {
    rawPartitions: Object.fromEntries(names.map((name) => [name, partitions])),
  })
type Driver = ReturnType<typeof createDriver>

interface Sent {
  readonly partition?: number
  readonly headers?: Readonly<Record<string, string>>
}
const send = (driver: Driver, topic: string, value: Buffer, sent: Sent = {}): void => {
  const { partition = 0, headers = {} } = sent
  driver.pipeRaw(
    { name: topic },
    {
      ...{ partition, value, atMs: nowMs, key: null },
      headers: Object.entries(headers).map(([key, text]) => ({ key, value: Buffer.from(text) })),
    },
  )
}

const resourceOf = (service: string) => ({
  // Content never says whose it is (N1).
  attributes: attributes({ 'service.name': service, tenant: 'somebody-else' }),
})

const SERVICES = 20
const POINTS = 100
const metrics = (atMs = nowMs): Requests['metrics'] => ({
  resourceMetrics: Array.from({ length: SERVICES }, (_, service) => ({
    resource: resourceOf(`s${String(service)}`),
    scopeMetrics: [
      {
        metrics: [
          {
            name: 'load',
            gauge: {
              dataPoints: Array.from({ length: POINTS }, (_, index) => ({
                timeUnixNano: nanos(atMs - index),
                asDouble: index,
              })),
            },
          },
        ],
      },
    ],
  })),
})

/** Beside them each resource has a point that describes it. */
const loadOf = (driver: Driver) =>
  driver.read(telemetryMetrics).filter(({ name }) => name === 'load')

const logs: Requests['logs'] = {
  resourceLogs: ['a', 'b'].map((service) => ({
    resource: resourceOf(service),
    scopeLogs: [{ logRecords: [{ timeUnixNano: nanos(nowMs), body: { stringValue: 'hello' } }] }],
  })),
}

const spans: Requests['traces'] = {
  resourceSpans: ['a', 'b'].map((service, index) => ({
    resource: resourceOf(service),
    scopeSpans: [
      {
        spans: [
          {
            traceId: Buffer.alloc(16, index + 1),
            spanId: Buffer.alloc(8, 7),
            name: 'GET /',
            startTimeUnixNano: nanos(nowMs),
            endTimeUnixNano: nanos(nowMs + 3),
          },
        ],
      },
    ],
  })),
}

const cdEvent = (id: string) => ({
  context: {
    specversion: '0.5.1',
    id,
    source: '/ci',
    type: 'dev.cdevents.service.deployed.0.3.0',
    timestamp: '2026-11-21T12:00:00Z',
  },
  subject: {
    id: 'checkout',
    content: { environment: { id: 'production' }, artifactId: 'pkg:oci/checkout@1.4.2' },
  },
})
const attributesOf = (id: string) => ({
  specversion: '1.0',
  id,
  source: '/ci',
  type: 'dev.cdevents.service.deployed.0.3.0',
})
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const binary = (id: string): Sent => ({
  headers: {
    'content-type': 'application/json',
    ...Object.fromEntries(
      Object.entries(attributesOf(id)).map(([name, value]) => [`ce_${name}`, value]),
    ),
  },
})

it.each(['protobuf', 'json'] as const)(
  'takes one message of many services apart, in %s, for the tenant of the topic',
  (encoding) => {
    const driver = createDriver()
    send(driver, 'otlp_metrics', encodeOtlp('metrics', metrics(), encoding), { partition: 2 })
    send(driver, 'otlp_logs', encodeOtlp('logs', logs, encoding))
    send(driver, 'otlp_spans', encodeOtlp('traces', spans, encoding), { partition: 1 })
    expect(driver.readDeadLetters()).toEqual([])
    const points = loadOf(driver)
    expect(points).toHaveLength(SERVICES * POINTS)
    expect(new Set(points.map(({ labels }) => labels['service.name'])).size).toBe(SERVICES)
    expect(points.reduce((sum, { value }) => sum + value, 0)).toBe((SERVICES * POINTS * 99) / 2)
    const entries = driver.read(telemetryLogs)
    expect(entries.map(({ service, message }) => `${service} ${message}`).sort()).toEqual([
      'a hello',
      'b hello',
    ])
    expect(driver.read(telemetrySpans)).toHaveLength(2)
    const all = [...points, ...entries, ...driver.read(telemetrySpans)]
    expect(new Set(all.map((record) => record.tenant))).toEqual(new Set([tenant]))
    // Under canonical keys, in their partitions: piped directly they come to the same places.
    const direct = createDriver()
    direct.pipe(telemetryMetrics, ...driver.read(telemetryMetrics))
    expect(placesOf(driver)).toEqual(placesOf(direct))
  },
)

const placesOf = (driver: Driver): string[] =>
  driver
    .readBytes('telemetry.metrics')
    .map(({ partition, key }) => `${String(partition)} ${key}`)
    .sort()

it('reads CloudEvents in both modes, and passes over what tells of no change', () => {
  const driver = createDriver()
  send(driver, 'events', json(cdEvent('1')), binary('1'))
  const structured = {
    ...attributesOf('2'),
    datacontenttype: 'application/json',
    data: cdEvent('2'),
  }
  const contentType = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
  send(driver, 'events', json(structured), { headers: contentType })
  const other = {
    ...binary('3').headers,
    ce_type: 'com.example.ordered',
    'content-type': 'image/png',
  }
  send(driver, 'events', Buffer.from([0x89]), { headers: other })
  expect(driver.readDeadLetters()).toEqual([])
  expect(driver.read(telemetryDeployments)).toMatchObject(
    [1, 2].map(() => ({
      tenant,
      service: 'checkout',
      environment: 'production',
      version: '1.4.2',
    })),
  )
})

it.each([
  { title: 'no protobuf', topic: 'otlp_metrics', value: 'junk', says: /^body must be an OTLP/ },
  { title: 'no JSON', topic: 'otlp_logs', value: '{"resource', says: /^body must be JSON/ },
  {
    title: 'spans in a topic of metrics',
    topic: 'otlp_metrics',
    value: '{"resourceMetrics":7}',
    says: /resourceMetrics must be/,
  },
  { title: 'no CloudEvent', topic: 'events', value: '{"a":1}', says: /specversion must be/ },
])('puts aside $title', ({ topic, value, says }) => {
  const driver = createDriver()
  send(driver, topic, Buffer.from(value))
  const [letter] = driver.readDeadLetters()
  expect(letter?.headers['millrace-reason']).toBe('undecodable')
  expect(letter?.headers['millrace-detail']).toMatch(says)
  expect(letter?.value?.toString()).toBe(value)
})

it('writes the good part of a message, and puts it aside for the rest', () => {
  const driver = createDriver()
  const mixed: Requests['metrics'] = {
    resourceMetrics: [
      ...(metrics().resourceMetrics ?? []),
      ...(metrics(nowMs + 3_600_000).resourceMetrics ?? []).slice(0, 1),
    ],
  }
  send(driver, 'otlp_metrics', encodeOtlp('metrics', mixed, 'protobuf'))
  expect(loadOf(driver)).toHaveLength(SERVICES * POINTS)
  const [letter] = driver.readDeadLetters()
  expect(letter?.headers['millrace-reason']).toBe('rejected')
  expect(letter?.headers['millrace-detail']).toMatch(/^100 not taken; the first: /)
})

it('puts aside an event that lacks what a deployment needs', () => {
  const driver = createDriver()
  const { subject, ...rest } = cdEvent('1')
  send(driver, 'events', json({ ...rest, subject: { id: subject.id, content: {} } }), binary('1'))
  const [letter] = driver.readDeadLetters()
  expect(letter?.headers['millrace-reason']).toBe('rejected')
  expect(letter?.headers['millrace-detail']).toMatch(/environment must be/)
})

it('drops what its sender repeats in the same partition, where it has an identity', () => {
  const driver = createDriver()
  const twice = (topic: string, value: Buffer, sent: Sent = {}) => {
    send(driver, topic, value, sent)
    driver.restart() // it is remembered in the state
    send(driver, topic, value, sent)
  }
  twice('otlp_metrics', encodeOtlp('metrics', metrics(), 'protobuf'))
  twice('otlp_spans', encodeOtlp('traces', spans, 'protobuf'))
  twice('events', json(cdEvent('1')), binary('1'))
  twice('otlp_logs', encodeOtlp('logs', logs, 'protobuf'))
  expect(loadOf(driver)).toHaveLength(SERVICES * POINTS)
  expect(driver.read(telemetrySpans)).toHaveLength(2)
  expect(driver.read(telemetryDeployments)).toHaveLength(1)
  expect(driver.read(telemetryLogs)).toHaveLength(4) // the same text may be logged twice
  for (let index = 0; index < 256; index++) {
    send(driver, 'events', json(cdEvent(`more ${String(index)}`)), binary(`more ${String(index)}`))
  }
  send(driver, 'events', json(cdEvent('1')), binary('1'))
  expect(driver.read(telemetryDeployments)).toHaveLength(258) // no longer known
})

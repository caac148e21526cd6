import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProductProcess } from '../../ops/test/product-process.ts'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import {
  allTopics,
  controlTenants,
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
} from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { applyTopics } from '../topics/apply.ts'
import { topicServers } from '../topics/servers.ts'
import { wantedFromCatalogue } from '../topics/wanted-topic.ts'
import { topicValues } from './testing/topic-values.ts'

const config = readConfig(stackEnvironment())
const tenant = uniqueName('gateway')
let cluster: KafkaCluster
let gateway: ProductProcess

const startGateway = () =>
  ProductProcess.start({ command: ['service', 'gateway'], environment: stackEnvironment() })

beforeAll(async () => {
  cluster = kafkaCluster(config)
  await applyTopics(
    wantedFromCatalogue(allTopics, config.partitions),
    topicServers(config, cluster),
  )
  gateway = await startGateway()
})
afterAll(async () => {
  await gateway.stop()
  await cluster.close()
})

const post = async (
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const answer = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-tenant': tenant, ...headers },
    body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
  })
  return { status: answer.status, body: await answer.json() }
}

const now = new Date().toISOString()
const metric = (name: string, overrides: object = {}) => ({
  timestamp: now,
  metric_name: name,
  value: 108.4,
  labels: { service: 'checkout', environment: 'production' },
  ...overrides,
})
const change = (version: string) => ({
  timestamp: now,
  service: 'checkout',
  version,
  status: 'success',
  metadata: { commit: '4f9c2ab', deployed_by: 'ada' },
})
const taken = (accepted: number) => ({
  status: 200,
  body: { status: 'accepted', accepted, rejectedCount: 0, rejected: [] },
})

const metricsNamed = async (name: string) =>
  (await topicValues(cluster, telemetryMetrics, tenant)).filter((point) => point.name === name)

describe('what is acknowledged is in Kafka', () => {
  it('a point, and who sent it', async () => {
    expect(await post('/ingest/metrics', metric('one'))).toEqual(taken(1))
    expect(await metricsNamed('one')).toMatchObject([{ value: 108.4, tenant }])
    const seen = await topicValues(cluster, controlTenants, tenant)
    expect(seen).toMatchObject([{ tenant, origin: 'gateway' }])
  })

  it('packed points', async () => {
    const body = gzipSync(JSON.stringify([metric('packed'), metric('packed')]))
    expect(await post('/ingest/metrics', body, { 'content-encoding': 'gzip' })).toEqual(taken(2))
    expect(await metricsNamed('packed')).toHaveLength(2)
  })

  it('the good part of an array', async () => {
    const body = [
      metric('part'),
      metric('part', { value: 'x' }),
      metric('part', { timestamp: Date.now() + 3_600_000 }),
    ]
    expect(await post('/ingest/metrics', body)).toMatchObject({
      status: 200,
      body: {
        accepted: 1,
        rejectedCount: 2,
        rejected: [
          { index: 1, field: 'value', value: 'x', limit: 'a finite number' },
          { index: 2, field: 'timestamp' },
        ],
      },
    })
    expect(await metricsNamed('part')).toHaveLength(1)
  })

  it('a log entry', async () => {
    const entry = { timestamp: now, level: 'ERROR', message: 'declined', service: 'checkout' }
    expect(await post('/ingest/logs', entry)).toEqual(taken(1))
    expect(await topicValues(cluster, telemetryLogs, tenant)).toMatchObject([
      { level: 'error', message: 'declined', service: 'checkout' },
    ])
  })
})

describe('a retry makes no second copy', () => {
  it('of points with the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'a-1' }
    const answers = await Promise.all(
      [1, 2, 3].map(() => post('/ingest/metrics', metric('once'), headers)),
    )
    expect(answers).toEqual([taken(1), taken(1), taken(1)])
    expect(await metricsNamed('once')).toHaveLength(1)
    const other = await post('/ingest/metrics', metric('other'), headers)
    expect(other).toMatchObject({ status: 422, body: { code: 'identity-reused' } })
  })

  it('of a deployment by either path, nor across a restart of the gateway', async () => {
    expect(await post('/ingest/deployment', change('v1'))).toEqual(taken(1))
    expect(await post('/deployments', change('v1'))).toEqual(taken(1))
    await gateway.kill()
    gateway = await startGateway()
    expect(await post('/ingest/deployment', [change('v1'), change('v2')])).toEqual(taken(2))
    const events = await topicValues(cluster, telemetryDeployments, tenant)
    expect(events.map(({ version }) => version).sort()).toEqual(['v1', 'v2'])
  })
})

describe('what is refused', () => {
  it.each([
    { title: 'no JSON', body: Buffer.from('{"value":NaN}'), status: 400, code: 'invalid-request' },
    {
      title: 'bad UTF-8',
      body: Buffer.from([0x22, 0xff, 0x22]),
      status: 400,
      code: 'invalid-request',
    },
    {
      title: 'deep JSON',
      body: Buffer.from('['.repeat(100_000)),
      status: 400,
      code: 'invalid-request',
    },
    { title: 'nothing', body: Buffer.alloc(0), status: 400, code: 'invalid-request' },
    {
      title: 'one bad point',
      body: metric('bad', { value: null }),
      status: 400,
      code: 'invalid-request',
    },
    {
      title: 'a bomb',
      body: gzipSync(Buffer.alloc(100_000_000)),
      headers: { 'content-encoding': 'gzip' },
      status: 413,
      code: 'body-too-large',
    },
    {
      title: 'a form',
      body: Buffer.from('a=b'),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      status: 415,
      code: 'media-type-unknown',
    },
    {
      title: 'an empty Idempotency-Key',
      body: metric('bad'),
      headers: { 'idempotency-key': '' },
      status: 400,
      code: 'invalid-request',
    },
  ])('$title', async ({ body, headers, status, code }) => {
    expect(await post('/ingest/metrics', body, headers)).toMatchObject({ status, body: { code } })
    expect(await metricsNamed('bad')).toEqual([])
  })

  it('and none of it hurts', async () => {
    expect(await (await fetch(`${gateway.url}/health`)).json()).toMatchObject({ status: 'alive' })
    const paths = (await (await fetch(`${gateway.url}/docs/json`)).json()) as { paths: object }
    expect(Object.keys(paths.paths)).toContain('/ingest/metrics')
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(metrics).toMatch(/gateway_request_duration_seconds_count\{.*status="413".*\} 1/)
    expect(metrics).toMatch(/gateway_body_bytes\{.*\} 0/)
  })
})

/** Every path of the gateway, asked by everybody: who may write what, and as whom. */
import { createServer } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import type { Topic } from '../../schemas/topic.ts'
import {
  telemetryAlerts,
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
  telemetrySpans,
} from '../../schemas/topics.ts'
import { Identity } from '../shared/identity/identity.ts'
import { SIGNAL_KINDS, type SignalKind } from '../shared/identity/principal.ts'
import { ringOf, testKey } from '../shared/identity/testing/test-keys.ts'
import { createLogger } from '../shared/logger.ts'
import { createMetrics } from '../shared/metrics.ts'
import { TopicRecords } from '../telemetry/topic-records.ts'
import { buildApp } from './app.ts'
import { BodyReader } from './bodies.ts'
import { KafkaIntake } from './intake.ts'
import { RecentLedger } from './ledger.ts'
import type { DoorScope } from './ports.ts'

/** What each path writes; one that is not here fails the test that compares the list with the gateway's own. */
const writes: Readonly<Record<string, SignalKind>> = {
  '/api/v1/write': 'metrics',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
  '/v1/traces': 'traces',
  '/ingest/metrics': 'metrics',
  '/ingest/logs': 'logs',
  '/ingest/deployment': 'deployments',
  '/deployments': 'deployments',
  '/ingest/gitlab': 'deployments',
  '/ingest/github': 'deployments',
  '/ingest/argocd': 'deployments',
  '/ingest/cloudevents': 'deployments',
  '/ingest/alertmanager': 'alerts',
}

const all = testKey({ tenant: 'acme', kinds: [...SIGNAL_KINDS] })
const expired = testKey({ tenant: 'acme', kinds: [...SIGNAL_KINDS], expires: 1 })
const revoked = testKey({ tenant: 'acme', kinds: [...SIGNAL_KINDS], state: 'revoked' })
const reader = testKey({ tenant: 'acme', roles: ['admin'] })
const everywhere = testKey({ tenant: '*', kinds: [...SIGNAL_KINDS] })
const lacking = SIGNAL_KINDS.map((kind) => ({
  kind,
  key: testKey({ tenant: 'acme', kinds: SIGNAL_KINDS.filter((other) => other !== kind) }),
}))

const lines: string[] = []
const metrics = createMetrics({ service: 'gateway', processMetrics: false })
let written: string[] = []
let app: DoorScope

const recordsOf = <Value>(topic: Topic<Value>): TopicRecords<Value> => {
  const encoder = new RecordEncoder<Value>({ schema: topic.schema, schemaId: 1 })
  return new TopicRecords({ topic, encoder, partitions: 1 })
}

beforeAll(async () => {
  const remembered = { entries: 1000, ageMs: 60_000 }
  const bytes = { pendingBytes: 1e8, senderBytes: 1e8, requestBytes: 1e8 }
  app = await buildApp({
    listeners: { create: (handler) => createServer(handler) },
    admitSeries: () => true,
    rates: { requestsPerSecond: 1e6, bytesPerSecond: 1e9, nowMs: Date.now },
    identity: new Identity({
      keys: ringOf(all, expired, revoked, reader, everywhere, ...lacking.map(({ key }) => key)),
      keysLoaded: () => true,
      tokens: undefined,
      host: '0.0.0.0',
      anonymous: true,
      nowMs: Date.now,
    }),
    bodies: new BodyReader({ bodyBytes: 1e6, allBytes: 64e6, timeoutMs: 5_000 }),
    intake: new KafkaIntake({
      producer: {
        append: ({ topic, partition = 0, key }) => {
          written.push(String(key).split('\u001f')[0] ?? '')
          return Promise.resolve({ topic, partition, baseOffset: 0, count: 1 })
        },
      },
      limits: { ...bytes, waitMs: 5_000 },
      nowMs: Date.now,
      random: () => 0,
      wordOf: () => undefined,
    }),
    ledger: new RecentLedger({ requests: remembered, ids: remembered, nowMs: Date.now }),
    records: {
      metrics: recordsOf(telemetryMetrics),
      logs: recordsOf(telemetryLogs),
      spans: recordsOf(telemetrySpans),
      deployments: recordsOf(telemetryDeployments),
      alerts: recordsOf(telemetryAlerts),
    },
    webhookSecrets: { of: () => [] },
    ready: () => true,
    metrics,
    logger: createLogger({
      service: 'gateway',
      level: 'trace',
      destination: { write: (line) => lines.push(line) },
    }),
    nowMs: Date.now,
  })
  await app.ready()
})
beforeEach(() => {
  written = []
})
afterAll(() => app.close())

const post = (url: string, headers: Readonly<Record<string, string>> = {}, payload = '{}') =>
  app.inject({
    method: 'POST',
    url,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
const withKey = ({ key }: { readonly key: string }) => ({ 'x-api-key': key })

interface OpenApi {
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly post?: {
          readonly tags?: readonly string[]
          readonly summary?: string
          readonly requestBody?: { readonly content: Readonly<Record<string, { schema?: object }>> }
        }
      }
    >
  >
}

/** The tree that Fastify prints: four characters of indentation for each part of a path. */
const pathsOf = (server: DoorScope): string[] => {
  const parts: string[] = []
  return server
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods] = /^([│├└─ ]*)([^ (]*)( \()?/.exec(line) ?? []
      parts.length = Math.max(0, indent.length / 4 - 1)
      parts.push(part)
      return methods === undefined ? [] : [parts.join('')]
    })
}

it('has no path that this test does not know', () => {
  const known = [...Object.keys(writes), '/health', '/healthz', '/readyz', '/metrics']
  const found = pathsOf(app)
  expect(found.filter((path) => !path.startsWith('/docs')).sort()).toEqual([...known].sort())
})

it.each(Object.keys(writes))(
  '/docs shows %s with a summary, under a heading, with a body',
  async (url) => {
    const { paths, tags } = (await app.inject('/docs/json')).json<OpenApi>()
    const post = paths[url]?.post
    expect(tags.map(({ name }) => name)).toContain(post?.tags?.[0])
    expect(post?.summary).toBeTruthy()
    for (const { schema } of Object.values(post?.requestBody?.content ?? { none: {} })) {
      expect(schema).toBeTruthy()
    }
  },
)

describe.each(Object.entries(writes))('%s', (url, kind) => {
  it.each([
    { title: 'no key', headers: {} },
    { title: 'a wrong key', headers: withKey(testKey()) },
    { title: 'a malformed key', headers: { 'x-api-key': 'secret' } },
    { title: 'an expired key', headers: withKey(expired) },
    { title: 'a revoked key', headers: withKey(revoked) },
    { title: 'a wrong password', headers: { authorization: 'Basic dTpw' } },
    { title: 'a token of nobody', headers: { authorization: 'Bearer a.b.c' } },
  ])('with $title: 401', async ({ headers }) => {
    expect((await post(url, headers)).statusCode).toBe(401)
    expect(written).toEqual([])
  })

  it.each([
    { title: 'that only reads', headers: withKey(reader) },
    {
      title: 'for everything else',
      headers: withKey(lacking.find((each) => each.kind === kind)!.key),
    },
    { title: 'and another tenant', headers: { ...withKey(all), 'x-tenant': 'beta' } },
    { title: 'and another org', headers: { ...withKey(all), 'x-scope-orgid': 'beta' } },
  ])('with a key $title: 403', async ({ headers }) => {
    expect((await post(url, headers)).statusCode).toBe(403)
    expect(written).toEqual([])
  })

  it('with the right key is judged by what it brings', async () => {
    expect([401, 403, 500]).not.toContain((await post(url, withKey(all))).statusCode)
    const named = { ...withKey(all), 'x-tenant': 'acme', 'x-scope-orgid': 'acme' }
    expect([401, 403, 500]).not.toContain((await post(url, named)).statusCode)
  })
})

describe('what is written belongs to the tenant of the key, whatever the body says', () => {
  const timestamp = new Date().toISOString()
  const bodies = {
    '/ingest/metrics': {
      timestamp,
      tenant: 'beta',
      metric_name: 'm',
      value: 1,
      labels: { tenant: 'beta' },
    },
    '/ingest/logs': { timestamp, tenant: 'beta', message: 'm', service: 's' },
    '/ingest/deployment': {
      timestamp,
      tenant: 'beta',
      service: 's',
      version: '1',
      status: 'success',
    },
  }
  it.each(Object.entries(bodies))('%s', async (url, body) => {
    const text = JSON.stringify(body)
    const answers = [await post(url, withKey(all), text)]
    answers.push(await post(url, { ...withKey(everywhere), 'x-tenant': 'gamma' }, text))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200])
    expect(written).toEqual(['acme', 'gamma'])
  })
})

it('no key is in a log line or a metric', async () => {
  const text = lines.join('') + (await metrics.registry.metrics())
  for (const { key } of [all, expired, revoked, reader, everywhere]) {
    expect(text).not.toContain(key.slice('mlr_0123456789ab_'.length))
  }
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProductProcess } from '../../../../ops/test/product-process.ts'
import { stackEnvironment, uniqueName } from '../../../../ops/test/stack.ts'
import {
  request1,
  request2,
  type SentSeries,
} from '../../../../pipelines/intake/prometheus/testing/messages.ts'
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../../../pipelines/runtime/avro/index.ts'
import { readToEnd, type KafkaCluster } from '../../../../pipelines/runtime/kafka/index.ts'
import { packSnappyBlock } from '../../../../pipelines/runtime/record/snappy-block.ts'
import {
  metricPointSchema,
  type MetricPoint,
} from '../../../../schemas/generated/telemetry-metrics.ts'
import { allTopics, telemetryMetrics } from '../../../../schemas/topics.ts'
import { readConfig } from '../../../shared/config.ts'
import { kafkaCluster } from '../../../shared/kafka.ts'
import { applyTopics } from '../../../topics/apply.ts'
import { topicServers } from '../../../topics/servers.ts'
import { wantedFromCatalogue } from '../../../topics/wanted-topic.ts'

const config = readConfig(stackEnvironment())
let cluster: KafkaCluster
let gateway: ProductProcess

/** Less than the door takes by itself. */
const BODY_BYTES = 8 * 1024 * 1024
const startGateway = () =>
  ProductProcess.start({
    command: ['service', 'gateway'],
    environment: { ...stackEnvironment(), GATEWAY_BODY_BYTES: String(BODY_BYTES) },
  })

beforeAll(async () => {
  cluster = kafkaCluster(config)
  const wanted = wantedFromCatalogue(allTopics, config.partitions)
  await applyTopics(wanted, topicServers(config, cluster))
  gateway = await startGateway()
}, 120_000)
afterAll(async () => {
  expect(await gateway.stop()).toBe(0)
  await cluster.close()
})

const V1 = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
const V2 = { ...V1, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' }

const post = async (
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
  tenant = 'default',
) => {
  const answer = await fetch(`${gateway.url}/api/v1/write`, {
    ...{ method: 'POST', body },
    headers: { ...headers, 'x-scope-orgid': tenant },
  })
  const written = (what: string) => answer.headers.get(`x-prometheus-remote-write-${what}-written`)
  return {
    status: answer.status,
    text: await answer.text(),
    written: ['samples', 'histograms', 'exemplars'].map(written),
    type: answer.headers.get('content-type'),
  }
}
const packed = (body: Buffer) => new Uint8Array(packSnappyBlock(body))

const { decode } = createRecordDecoder<MetricPoint>({ writerSchema: metricPointSchema })
const storedPoints = async (tenant: string): Promise<MetricPoint[]> => {
  const points: MetricPoint[] = []
  for (let partition = 0; partition < config.partitions; partition++) {
    await readToEnd({
      ...{ cluster, topic: telemetryMetrics.name, partition, until: 'last-stable' },
      onRecords: (records) => {
        while (records.next()) {
          if (records.key()?.toString().startsWith(`${tenant}\u001f`) !== true) continue
          const { buffer, valueStart, valueEnd } = records
          const point = decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd)
          expect(records.key()?.toString()).toBe(telemetryMetrics.keyOf(point))
          points.push(point)
        }
      },
    })
  }
  return points.sort((a, b) => (telemetryMetrics.keyOf(a) < telemetryMetrics.keyOf(b) ? -1 : 1))
}

const now = Date.now()
const seriesOf = (name: string, value: number, timestamp = now): SentSeries => ({
  labels: [
    ['__name__', name],
    ['job', 'test'],
  ],
  samples: [{ value, timestamp }],
})

describe.each([
  { version: '1.0', headers: V1, request: (series: SentSeries[]) => request1(series) },
  { version: '2.0', headers: V2, request: request2 },
])('version $version', ({ headers, request }) => {
  it('is answered when Kafka has all of it, and a retry makes no second copy', async () => {
    const tenant = uniqueName('prom')
    const body = packed(
      request([seriesOf('a', 1), seriesOf('b', 2.5), { ...seriesOf('c', 3), exemplars: 2 }]),
    )
    const answers = await Promise.all([1, 2, 3].map(() => post(body, headers, tenant)))
    answers.push(await post(body, headers, tenant))
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 204, text: '', written: ['3', '0', '0'] })
    }
    const points = await storedPoints(tenant)
    expect(points.map(({ name, value, timestamp }) => ({ name, value, timestamp }))).toEqual([
      { name: 'a', value: 1, timestamp: now },
      { name: 'b', value: 2.5, timestamp: now },
      { name: 'c', value: 3, timestamp: now },
    ])
  })

  it('keeps the good part, and says how many were refused and why', async () => {
    const tenant = uniqueName('prom')
    const ahead = Date.now() + 3_600_000
    const unsorted: SentSeries = {
      labels: [
        ['z', '1'],
        ['__name__', 'x'],
      ],
      samples: [{ value: 1, timestamp: now }],
    }
    const body = packed(
      request([
        seriesOf('good', 1),
        unsorted,
        seriesOf('ahead', 1, ahead),
        seriesOf('nan', Number.NaN),
      ]),
    )
    for (const attempt of ['first', 'retry']) {
      const { status, text, written, type } = await post(body, headers, tenant)
      expect([attempt, status, written, type]).toEqual([
        attempt,
        400,
        ['2', '0', '0'],
        'text/plain; charset=utf-8',
      ])
      expect(text).toContain('2 of 4 samples and 0 of 0 histograms were refused')
      expect(text).toContain('label "__name__" is not in its order')
      expect(text).toContain(`timestamp ${String(ahead)} lies ahead`)
    }
    expect((await storedPoints(tenant)).map(({ name }) => name)).toEqual(['good'])
  })

  it('takes native histograms', async () => {
    const tenant = uniqueName('prom')
    const histogram = {
      ...{ count_int: 3, sum: 4.5, schema: 0, timestamp: now },
      ...{ positive_spans: [{ offset: 1, length: 2 }], positive_deltas: [1, 1] },
    }
    const body = packed(request([{ labels: [['__name__', 'lat']], histograms: [histogram] }]))
    expect(await post(body, headers, tenant)).toMatchObject({
      status: 204,
      written: ['0', '1', '0'],
    })
    const points = await storedPoints(tenant)
    expect(
      points.map(({ name, labels, value, kind }) => [name, labels['le'], value, kind]),
    ).toEqual([
      ['lat_bucket', '+Inf', 3, 'counter'],
      ['lat_bucket', '2', 1, 'counter'],
      ['lat_bucket', '4', 3, 'counter'],
      ['lat_count', undefined, 3, 'counter'],
      ['lat_sum', undefined, 4.5, 'counter'],
    ])
  })
})

const good = packed(request1([seriesOf('a', 1)]))
const bomb = Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04]), Buffer.alloc(100)])
it.each([
  {
    title: 'another content type',
    headers: { ...V1, 'content-type': 'application/json' },
    body: good,
    status: 415,
    says: 'application/x-protobuf',
  },
  {
    title: 'another message',
    headers: { ...V1, 'content-type': 'application/x-protobuf;proto=some.Other' },
    body: good,
    status: 415,
    says: 'io.prometheus.write.v2.Request',
  },
  {
    title: 'another encoding',
    headers: { ...V1, 'content-encoding': 'gzip' },
    body: good,
    status: 415,
    says: 'snappy',
  },
  {
    title: 'no compression',
    headers: { ...V1, 'content-encoding': 'identity' },
    body: good,
    status: 415,
    says: 'snappy',
  },
  {
    title: 'what is no Snappy',
    headers: V1,
    body: new Uint8Array(Buffer.from('{"timeseries":[]}')),
    status: 400,
    says: 'no Snappy block',
  },
  {
    title: 'an empty body',
    headers: V1,
    body: new Uint8Array(0),
    status: 400,
    says: 'no Snappy block',
  },
  {
    title: 'a bomb',
    headers: V1,
    body: new Uint8Array(bomb),
    status: 413,
    says: `unpacked the body has 1073741824 bytes, at most ${String(BODY_BYTES)}`,
  },
  {
    title: 'what is no protobuf',
    headers: V1,
    body: packed(Buffer.from('telemetry telemetry')),
    status: 400,
    says: 'no request of version 1.0',
  },
  {
    title: '2.0 under the name of 1.0',
    headers: V1,
    body: packed(request2([seriesOf('a', 1)])),
    status: 400,
    says: 'version 2.0',
  },
])('refuses $title in plain words', async ({ headers, body, status, says }) => {
  const answer = await post(body, headers)
  expect(answer).toMatchObject({
    status,
    written: ['0', '0', '0'],
    type: 'text/plain; charset=utf-8',
  })
  expect(answer.text).toContain(says)
})

it.each([{ proto: 'prometheus.WriteRequest' }, { proto: '"prometheus.WriteRequest"' }])(
  'knows 1.0 by its name, too: $proto',
  async ({ proto }) => {
    const headers = { ...V1, 'content-type': `application/x-protobuf; proto=${proto}` }
    expect(await post(packed(request1([])), headers)).toMatchObject({ status: 204 })
  },
)

it('counts what 1.0 says of metrics apart from their series', async () => {
  const counted = () =>
    gateway.metric('gateway_records_refused_total', { door: 'remote-write', reason: 'metadata' })
  const before = await counted()
  const metadata = [{ type: 1, metric_family_name: 'a_total', unit: 'bytes' }]
  const body = packed(request1([seriesOf('a_total', 1)], [...metadata, ...metadata]))
  expect(await post(body, V1)).toMatchObject({ status: 204, written: ['1', '0', '0'] })
  expect((await counted()) - before).toBe(2)
})

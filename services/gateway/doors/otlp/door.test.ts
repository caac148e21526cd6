import { gzipSync } from 'node:zlib'
import fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { attributes, encodeOtlp, nanos } from '../../../../pipelines/intake/otlp/testing/encode.ts'
import type { OtlpSignal } from '../../../../pipelines/intake/otlp/index.ts'
import type {
  LogRecord,
  NumberPoint,
  OtlpSpan,
} from '../../../../pipelines/intake/otlp/messages.ts'
import {
  createRecordDecoder,
  RecordEncoder,
  WIRE_HEADER_BYTES,
} from '../../../../pipelines/runtime/avro/index.ts'
import { KafkaError } from '../../../../pipelines/runtime/kafka/index.ts'
import { google, opentelemetry } from '../../../../schemas/generated/otlp.js'
import { otlpReader } from '../../../../schemas/otlp/wire.ts'
import type { Topic } from '../../../../schemas/topic.ts'
import { telemetryLogs, telemetryMetrics, telemetrySpans } from '../../../../schemas/topics.ts'
import type { OutgoingRecord } from '../../../shared/publisher.ts'
import { TopicRecords } from '../../../telemetry/topic-records.ts'
import { BodyReader } from '../../bodies.ts'
import { KafkaIntake } from '../../intake.ts'
import { SeriesAdmission } from '../../../shared/limits/series-admission.ts'
import { RecentLedger } from '../../ledger.ts'
import type { DoorPorts, DoorScope, Sender } from '../../ports.ts'
import { otlp } from './door.ts'

const now = Date.UTC(2026, 10, 21, 12)
const recordsOf = <Value>(topic: Topic<Value>) =>
  new TopicRecords({
    ...{ topic, partitions: 4 },
    encoder: new RecordEncoder<Value>({ schema: topic.schema, schemaId: 1 }),
  })

let app: DoorScope
let appended: OutgoingRecord[]
afterEach(() => app.close())

interface Around {
  readonly pendingBytes?: number
  readonly acknowledges?: boolean
  readonly admitSeries?: DoorPorts['admitSeries']
  readonly nowMs?: () => number
}

/** The door as it is, in front of a Kafka that takes records of up to 10 kB at once. */
const start = async (around: Around = {}) => {
  const { pendingBytes = 10_000_000, acknowledges = true } = around
  const { admitSeries = () => true, nowMs = () => now } = around
  appended = []
  app = fastify()
  app.decorateRequest('incoming', null)
  app.decorateRequest('sender', {
    getter(): Sender {
      const tenant = this.headers['x-scope-orgid']
      return { tenant: typeof tenant === 'string' ? tenant : 'default', id: 'test' }
    },
  })
  const bodies = new BodyReader({ bodyBytes: 20 * 1024 * 1024, allBytes: 64e6, timeoutMs: 5_000 })
  const remembered = { entries: 100, ageMs: 60_000 }
  otlp(app, {
    readBodies: (options) => bodies.install(app, options),
    intake: new KafkaIntake({
      producer: {
        append: ({ topic, partition = 0, key, value }) => {
          if (value!.length > 10_000) throw new KafkaError('RECORD_TOO_LARGE', 'too large')
          appended.push({ topic, partition, key: Buffer.from(key!), value: Buffer.from(value!) })
          return acknowledges
            ? Promise.resolve({ topic, partition, baseOffset: 0, count: 1 })
            : new Promise(() => undefined)
        },
      },
      limits: {
        ...{ pendingBytes, senderBytes: pendingBytes, requestBytes: pendingBytes },
        waitMs: acknowledges ? 1_000 : 20,
      },
      ...{ nowMs: () => now, random: () => 0, wordOf: () => undefined },
    }),
    ledger: new RecentLedger({ requests: remembered, ids: remembered, nowMs: () => now }),
    records: {
      metrics: recordsOf(telemetryMetrics),
      logs: recordsOf(telemetryLogs),
      spans: recordsOf(telemetrySpans),
    },
    count: { accepted: () => undefined, refused: () => undefined },
    ...{ admitSeries, nowMs },
  })
  await app.ready()
}

const post = (path: string, payload: Buffer | string, headers: Record<string, string>) =>
  app.inject({ method: 'POST', url: path, payload, headers })

const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const JSON_TYPE = { 'content-type': 'application/json' }

const spanOf = (fields: OtlpSpan = {}): OtlpSpan => ({
  ...{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), name: 'n' },
  ...{ startTimeUnixNano: nanos(now), endTimeUnixNano: nanos(now + 1) },
  ...fields,
})
const traces = (...spans: OtlpSpan[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const logs = (...logRecords: LogRecord[]) => ({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
const metrics = (...dataPoints: NumberPoint[]) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints } }] }] }],
})
const point = (asDouble: number, ms = now): NumberPoint => ({
  ...{ asDouble, timeUnixNano: nanos(ms), attributes: attributes({ a: String(asDouble) }) },
})

const good = {
  traces: traces(spanOf()),
  logs: logs({ timeUnixNano: nanos(now) }),
  metrics: metrics(point(1)),
}
const partly = {
  traces: traces(spanOf(), spanOf({ traceId: null }), spanOf({ startTimeUnixNano: 0n })),
  logs: logs(
    { timeUnixNano: nanos(now) },
    { timeUnixNano: nanos(now + 90_000) },
    { timeUnixNano: nanos(now + 90_000) },
  ),
  metrics: metrics(point(1), point(NaN), point(2, now + 90_000)),
}
const collector = opentelemetry.proto.collector
const decodePartial = (signal: OtlpSignal, bytes: Buffer) => {
  const reader = otlpReader(bytes)
  if (signal === 'traces') {
    const { partialSuccess } = collector.trace.v1.ExportTraceServiceResponse.decode(reader)
    return { rejected: partialSuccess?.rejectedSpans, message: partialSuccess?.errorMessage }
  }
  if (signal === 'logs') {
    const { partialSuccess } = collector.logs.v1.ExportLogsServiceResponse.decode(reader)
    return { rejected: partialSuccess?.rejectedLogRecords, message: partialSuccess?.errorMessage }
  }
  const { partialSuccess } = collector.metrics.v1.ExportMetricsServiceResponse.decode(reader)
  return { rejected: partialSuccess?.rejectedDataPoints, message: partialSuccess?.errorMessage }
}

describe.each(['traces', 'metrics', 'logs'] as const)('/v1/%s', (signal) => {
  it('answers what it took with an empty message, in the encoding of the request', async () => {
    await start()
    const asProtobuf = await post(
      `/v1/${signal}`,
      encodeOtlp(signal, good[signal], 'protobuf'),
      PROTOBUF,
    )
    expect([asProtobuf.statusCode, asProtobuf.body]).toEqual([200, ''])
    expect(asProtobuf.headers['content-type']).toBe('application/x-protobuf')
    const count = appended.length
    expect(count).toBeGreaterThan(0)
    const json = encodeOtlp(signal, good[signal], 'json')
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'content-encoding': 'gzip',
    }
    const asJson = await post(`/v1/${signal}`, gzipSync(json), headers)
    expect([asJson.statusCode, asJson.body]).toEqual([200, '{}'])
    expect(asJson.headers['content-type']).toContain('application/json')
    expect(appended.slice(count)).toEqual(appended.slice(0, count))
  })

  it('takes an empty request', async () => {
    await start()
    for (const [body, headers] of [
      [Buffer.alloc(0), PROTOBUF],
      ['{}', JSON_TYPE],
    ] as const) {
      expect(await post(`/v1/${signal}`, body, headers)).toMatchObject({ statusCode: 200 })
    }
    expect(appended).toEqual([])
  })

  it('takes a retry for one', async () => {
    await start()
    const body = encodeOtlp(signal, partly[signal], 'protobuf')
    const first = await post(`/v1/${signal}`, body, PROTOBUF)
    const count = appended.length
    const second = await post(`/v1/${signal}`, body, PROTOBUF)
    expect(appended).toHaveLength(count)
    expect(second.rawPayload).toEqual(first.rawPayload)
  })

  it('keeps the good part, and says how many were refused and why', async () => {
    await start()
    const body = encodeOtlp(signal, partly[signal], 'protobuf')
    const answer = await post(`/v1/${signal}`, body, PROTOBUF)
    expect(answer.statusCode).toBe(200)
    const { rejected, message } = decodePartial(signal, answer.rawPayload)
    expect(rejected).toBe(2n)
    expect(message).toMatch(/^2 were refused, the others are kept: .+ \(\d; the first: .+\)$/)

    const json = await post(`/v1/${signal}`, encodeOtlp(signal, partly[signal], 'json'), JSON_TYPE)
    const counts = {
      traces: 'rejectedSpans',
      metrics: 'rejectedDataPoints',
      logs: 'rejectedLogRecords',
    }
    expect(json.json()).toEqual({
      partialSuccess: { [counts[signal]]: '2', errorMessage: message },
    })
  })

  it.each([
    {
      title: 'bytes that are no message',
      body: 'no message',
      headers: PROTOBUF,
      status: 400,
      code: 3,
    },
    { title: 'text that is no JSON', body: '{', headers: JSON_TYPE, status: 400, code: 3 },
    { title: 'an array', body: '[]', headers: JSON_TYPE, status: 400, code: 3 },
    {
      title: 'a body too large',
      body: '"'.padEnd(21 * 1024 * 1024),
      headers: JSON_TYPE,
      status: 413,
      code: 3,
    },
    {
      title: 'a bomb',
      body: gzipSync(Buffer.alloc(21 * 1024 * 1024)),
      headers: { ...PROTOBUF, 'content-encoding': 'gzip' },
      status: 413,
      code: 3,
    },
    {
      title: 'what is no gzip',
      body: 'x',
      headers: { ...PROTOBUF, 'content-encoding': 'gzip' },
      status: 400,
      code: 3,
    },
    {
      title: 'another content type',
      body: 'x',
      headers: { 'content-type': 'text/plain' },
      status: 415,
      code: 3,
    },
    {
      title: 'another encoding',
      body: 'x',
      headers: { ...JSON_TYPE, 'content-encoding': 'snappy' },
      status: 415,
      code: 3,
    },
  ])('refuses $title with a Status', async ({ body, headers, status, code }) => {
    await start()
    const answer = await post(`/v1/${signal}`, body, headers)
    const found =
      headers === JSON_TYPE || headers['content-type'] === JSON_TYPE['content-type']
        ? answer.json<{ code: number; message: string }>()
        : google.rpc.Status.decode(otlpReader(answer.rawPayload))
    expect([answer.statusCode, found.code]).toEqual([status, code])
    expect(found.message).not.toBe('')
    expect(appended).toEqual([])
  })

  it('asks to come again when Kafka does not acknowledge', async () => {
    await start({ acknowledges: false })
    const answer = await post(`/v1/${signal}`, encodeOtlp(signal, good[signal], 'json'), JSON_TYPE)
    expect([answer.statusCode, answer.json()]).toMatchObject([503, { code: 14 }])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  })

  it('refuses what stands for more than there is room', async () => {
    await start({ pendingBytes: 10 })
    const answer = await post(`/v1/${signal}`, encodeOtlp(signal, good[signal], 'json'), JSON_TYPE)
    expect([answer.statusCode, answer.json()]).toMatchObject([413, { code: 3 }])
  })
})

it('names the field of JSON that is wrong', async () => {
  await start()
  const wrong = { resourceSpans: [{ scopeSpans: [{ spans: [{ kind: 'SPAN_KIND_SERVER' }] }] }] }
  const answer = await post('/v1/traces', JSON.stringify(wrong), JSON_TYPE)
  expect(answer.json()).toEqual({
    code: 3,
    message:
      'resourceSpans[0].scopeSpans[0].spans[0].kind must be the number of the enumeration, not its name, but is "SPAN_KIND_SERVER"',
  })
})

it('takes logs without any time again and again', async () => {
  await start()
  const body = encodeOtlp('logs', logs({ body: { stringValue: 'x' } }), 'protobuf')
  for (const count of [1, 2]) {
    await post('/v1/logs', body, PROTOBUF)
    expect(appended).toHaveLength(count)
  }
})

it('refuses a span that is larger than a record may be, and takes the others', async () => {
  await start()
  const large = spanOf({ attributes: attributes({ a: 'x'.repeat(20_000) }) })
  const answer = await post(
    '/v1/traces',
    encodeOtlp('traces', traces(large, spanOf()), 'json'),
    JSON_TYPE,
  )
  expect(answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: '1' } })
  expect(appended).toHaveLength(1)
})

it('writes points of a known series as those of one seen first', async () => {
  await start()
  const { decode } = createRecordDecoder({ writerSchema: telemetryMetrics.schema })
  const values = () =>
    appended
      .splice(0)
      .map(({ key, value }) => [String(key), decode(value, WIRE_HEADER_BYTES, value.length)])
  await post(
    '/v1/metrics',
    encodeOtlp('metrics', metrics(point(1), point(2)), 'protobuf'),
    PROTOBUF,
  )
  const first = values()
  await post(
    '/v1/metrics',
    encodeOtlp('metrics', metrics(point(2), point(1)), 'protobuf'),
    PROTOBUF,
  )
  expect(values().sort()).toEqual(first.sort())
  // Another tenant has series of its own.
  await post('/v1/metrics', encodeOtlp('metrics', metrics(point(1)), 'json'), {
    ...JSON_TYPE,
    'x-scope-orgid': 'other',
  })
  expect(values()).toMatchObject([
    [expect.stringMatching(/^other/), { tenant: 'other' }],
    [expect.stringMatching(/^other/), {}],
  ])
})

it('refuses points of series that are too many, and asks again the next time', async () => {
  let isAdmitted = false
  await start({ admitSeries: () => isAdmitted })
  const send = (ms: number) =>
    post('/v1/metrics', encodeOtlp('metrics', metrics(point(1, ms)), 'json'), JSON_TYPE)
  const refused = await send(now)
  expect(refused.json()).toMatchObject({
    partialSuccess: { rejectedDataPoints: '1', errorMessage: expect.stringMatching(/more series/) },
  })
  expect(appended).toEqual([])
  isAdmitted = true
  expect((await send(now - 1)).body).toBe('{}')
  expect(appended).not.toEqual([])
})

it('keeps a series that sends among those that count, for as long as it does', async () => {
  let hour = 0
  const nowMs = () => now + hour * 3_600_000
  const limits = { total: 1, newPerMinute: 1_000 }
  const series = new SeriesAdmission({ limits, byTenant: {}, nowMs, onRefused: () => undefined })
  await start({ admitSeries: (tenant, hash) => series.admit(tenant, hash), nowMs })
  const isTaken = async (value: number): Promise<boolean> => {
    const body = encodeOtlp('metrics', metrics(point(value, nowMs())), 'json')
    return (await post('/v1/metrics', body, JSON_TYPE)).body === '{}'
  }
  for (; hour < 72; hour++) expect([hour, await isTaken(1)]).toEqual([hour, true])
  expect(await isTaken(2)).toBe(false)
  hour += 48
  expect([await isTaken(2), await isTaken(1)]).toEqual([true, false])
})

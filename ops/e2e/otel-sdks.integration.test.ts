/**
 * The SDKs of OpenTelemetry for Node and Python as anyone configures them: their traces, metrics and
 * logs come through the gateway into the topics, and from there into ClickHouse.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { telemetryLogs, telemetryMetrics, telemetrySpans } from '../../schemas/topics.ts'
import { openClickHouse } from '../../services/shared/clickhouse.ts'
import { readConfig } from '../../services/shared/config.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { ProductProcess } from '../test/product-process.ts'
import { runProgram } from './testing/program.ts'
import { pythonWith } from './testing/python.ts'

const database = uniqueName('otel').replaceAll('-', '_')
const environment = { ...stackEnvironment(), CLICKHOUSE_DATABASE: database }
const config = readConfig(environment)
const clickhouse = openClickHouse(config, {
  application: 'millrace-test',
  requestTimeoutMs: 30_000,
})
let broker: BrokerSide
let gateway: ProductProcess
let sink: ProductProcess

beforeAll(async () => {
  broker = await BrokerSide.open(config)
  gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment })
  sink = await ProductProcess.start({ command: ['service', 'sink'], environment })
})
afterAll(async () => {
  const codes = await Promise.all([gateway.stop(), sink.stop()])
  await clickhouse.command({ query: `DROP DATABASE IF EXISTS ${database}` })
  await Promise.all([clickhouse.close(), broker.close()])
  expect(codes).toEqual([0, 0])
})

/** Runs the example; answers the id of its trace. */
const runExample = async (
  program: string,
  file: string,
  { tenant, protocol }: { readonly tenant: string; readonly protocol: string },
): Promise<string> => {
  const outcome = await runProgram(
    program,
    [fileURLToPath(new URL(`../examples/${file}`, import.meta.url))],
    {
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: gateway.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_HEADERS: `x-tenant=${tenant}`,
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_SERVICE_NAME: 'shop',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.version=1.2',
      },
    },
  )
  expect({ code: outcome.code, err: outcome.err }).toEqual({ code: 0, err: '' })
  return outcome.out.toString().trim()
}

const expectTelemetry = async (tenant: string, traceId: string): Promise<void> => {
  const spans = await broker.values(telemetrySpans, tenant)
  expect(spans).toMatchObject([
    {
      ...{ traceId, parentSpanId: null, service: 'shop', name: 'POST /orders/{id}' },
      ...{ endpoint: '/orders/{id}', kind: 'server', status: 'error', method: 'POST' },
      ...{ errorType: 'TypeError', errorMessage: 'card expired' },
      ...{ environment: 'test', version: '1.2' },
      attributes: { 'otel.scope.name': 'shop' },
      resource: { 'service.name': 'shop' },
      events: [{ name: 'exception' }],
    },
  ])
  expect(spans[0]?.stack).toContain('TypeError')

  const logs = await broker.values(telemetryLogs, tenant)
  expect(logs).toMatchObject([
    {
      ...{ service: 'shop', level: 'error', message: 'payment declined', environment: 'test' },
      ...{ traceId, spanId: spans[0]?.spanId, labels: { order: '17' } },
    },
  ])

  const points = await broker.values(telemetryMetrics, tenant)
  const lines = points
    .filter(({ name }) => name.startsWith('shop.'))
    .map(({ name, labels, value, kind, unit }) => {
      const own = labels['le'] ?? labels['region'] ?? ''
      return [`${name}{${own}}`, value, kind, unit].join(' ')
    })
  expect(lines.sort()).toEqual([
    'shop.latency_bucket{+Inf} 3 counter 1',
    'shop.latency_bucket{0.1} 1 counter 1',
    'shop.latency_bucket{1} 2 counter 1',
    'shop.latency_count{} 3 counter 1',
    'shop.latency_max{} 5 gauge s',
    'shop.latency_min{} 0.05 gauge s',
    'shop.latency_sum{} 5.55 counter s',
    'shop.orders{eu} 3 counter {order}',
    'shop.waiting{} 3 gauge {order}',
  ])
  for (const { labels } of points) {
    expect(labels).toMatchObject({ 'service.name': 'shop', 'deployment.environment.name': 'test' })
  }
  const target = points.find(({ name }) => name === 'target_info')
  expect(target?.labels['telemetry.sdk.name']).toBe('opentelemetry')

  await expectRows('spans', tenant, spans.length)
  await expectRows('logs', tenant, logs.length)
  await expectRows('metrics', tenant, points.length)
}

const expectRows = async (table: string, tenant: string, count: number): Promise<void> => {
  const rows = async (): Promise<number> => {
    const answer = await clickhouse.query({
      query: `SELECT count() AS rows FROM ${table} WHERE tenant = {tenant:String}`,
      query_params: { tenant },
      format: 'JSONEachRow',
    })
    const [row] = await answer.json<{ rows: string }>()
    return Number(row?.rows)
  }
  expect([table, await eventually(rows, (found) => found >= count)]).toEqual([table, count])
}

describe('the SDK for Node', () => {
  it.each(['http/protobuf', 'http/json'])('by %s', async (protocol) => {
    const tenant = uniqueName('otel-node')
    const traceId = await runExample(process.execPath, 'otel.mjs', { tenant, protocol })
    await expectTelemetry(tenant, traceId)
  })
})

it('the SDK for Python', async ({ skip }) => {
  const python = await pythonWith({
    packages: ['opentelemetry-sdk', 'opentelemetry-exporter-otlp-proto-http'],
    module: 'opentelemetry.exporter.otlp.proto.http',
  })
  if (typeof python === 'string') return skip(python)
  try {
    const tenant = uniqueName('otel-python')
    const protocol = 'http/protobuf'
    const traceId = await runExample(python.program, 'otel.py', { tenant, protocol })
    await expectTelemetry(tenant, traceId)
  } finally {
    python.remove()
  }
}, 300_000)

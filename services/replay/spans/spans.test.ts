import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Span } from '../../../schemas/generated/telemetry-spans.ts'
import type { Row } from '../rows.ts'
import { spansSignal } from './span-file.ts'
import { collect } from '../testing/collect.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-spans-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const read = spansSignal.reader({ tenant: 't', latestMs: Date.UTC(2026, 5, 1) })
const rowsOf = (name: string, text: string): Promise<Row<Span>[]> => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return collect(read({ path, name: 'd', label: name }))
}
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const START_US = 1_772_366_400_123_456
const expected = {
  start: START_US,
  durationUs: 1_500,
  tenant: 't',
  traceId: TRACE,
  spanId: SPAN,
  parentSpanId: '00f067aa0ba902b7',
  service: 'checkout',
  name: 'GET /orders',
}

const within = {
  events: [{ timestamp: START_US + 1, name: 'retry', attributes: { n: '2' } }],
  links: [{ traceId: TRACE, spanId: SPAN, attributes: {} }],
}

describe('a span', () => {
  it.each([
    {
      title: 'of our own record',
      line: {
        ...expected,
        tenant: 'other',
        endpoint: '/orders',
        status: 'error',
        attributes: { a: '1' },
        ...within,
      },
      also: { endpoint: '/orders', status: 'error', attributes: { a: '1' }, ...within },
    },
    {
      title: 'of Zipkin',
      line: {
        traceId: TRACE,
        id: SPAN,
        parentId: '00f067aa0ba902b7',
        name: 'GET /orders',
        kind: 'CLIENT',
        timestamp: START_US,
        duration: 1500,
        localEndpoint: { serviceName: 'checkout' },
        remoteEndpoint: { serviceName: 'payment' },
        tags: { 'http.method': 'GET' },
      },
      also: { kind: 'client', peer: 'payment', attributes: { 'http.method': 'GET' } },
    },
    {
      title: 'with times of ISO 8601, and milliseconds',
      line: {
        trace_id: TRACE,
        span_id: SPAN,
        parent_span_id: '00f067aa0ba902b7',
        operation: 'GET /orders',
        'service.name': 'checkout',
        start_time: '2026-03-01T12:00:00.123456789Z',
        duration_ms: 1.5,
        http_status_code: 503,
        error: true,
      },
      also: { statusCode: 503, status: 'error' },
    },
  ])('$title', async ({ line, also }) => {
    const [row] = await rowsOf('a.jsonl', JSON.stringify(line))
    expect(row).toMatchObject({
      timestampMs: Math.floor(START_US / 1000),
      value: { ...expected, ...also },
    })
  })

  it('of a table with nanoseconds', async () => {
    const text = `TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration
${TRACE},${SPAN},root,ts-order-service-64469b5b48-5rjvb,GET /orders,1772366400123456789,1772366400124956789,9
`
    expect(await rowsOf('a.csv', text)).toMatchObject([
      {
        value: {
          ...expected,
          parentSpanId: null,
          service: 'ts-order-service',
          resource: { 'k8s.pod.name': 'ts-order-service-64469b5b48-5rjvb' },
        },
      },
    ])
  })
})

it('OTLP, a message a line: each span is a row, and refused by itself', async () => {
  const otlp = (changes: object) => ({
    traceId: TRACE,
    spanId: SPAN,
    parentSpanId: '00f067aa0ba902b7',
    name: 'GET /orders',
    startTimeUnixNano: `${String(START_US)}789`,
    endTimeUnixNano: `${String(START_US + 1_500)}789`,
    ...changes,
  })
  const spans = [otlp({}), otlp({ spanId: 'c7ad6b7169203331' }), otlp({ traceId: '' })]
  const attributes = [{ key: 'service.name', value: { stringValue: 'checkout' } }]
  const message = JSON.stringify({
    resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }],
  })
  const rows = await rowsOf('traces.jsonl', `${message}\n${message}\n`)
  expect(rows).toHaveLength(6)
  expect(rows.filter(({ kind }) => kind === 'bad').map(({ line }) => line)).toEqual([1, 2])
  expect(rows[1]).toMatchObject({ line: 1, value: expected })
})

it('has the reasons of bad rows', async () => {
  const good = { traceId: TRACE, spanId: SPAN, name: 'a', start: START_US, duration: 1 }
  const lines = [
    good,
    { ...good, traceId: 'x' },
    { ...good, traceId: undefined },
    { ...good, spanId: '0'.repeat(16) },
    { ...good, start: 'soon' },
    { ...good, start: '2027-01-01T00:00:00Z' },
    { ...good, duration: -1 },
    { ...good, name: undefined },
  ]
  const rows = await rowsOf('bad.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'))
  expect(rows.map((row) => (row.kind === 'bad' ? row.reason : row.value.service))).toEqual([
    'unknown_service',
    'traceId must be 32 hex digits, not all zero',
    'traceId must be given',
    'spanId must be 16 hex digits, not all zero',
    'start must be given, as a time since 1970',
    'start must be a time since 1970, and not ahead of now',
    'duration must be not below 0: it ends before it starts',
    'name must be given',
  ])
})

const nezha = process.env['NEZHA_DATA'] ?? ''
it.skipIf(!existsSync(nezha))(
  'every row of traces of Nezha is a span (NEZHA_DATA names a folder with its traces)',
  async () => {
    const [name = ''] = readdirSync(nezha)
    const rows = await collect(read({ path: join(nezha, name), name, label: name }))
    expect(rows.length).toBeGreaterThan(1_000)
    expect(rows.filter(({ kind }) => kind === 'bad')).toEqual([])
  },
)

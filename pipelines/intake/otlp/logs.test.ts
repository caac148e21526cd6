import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../../../schemas/generated/telemetry-logs.ts'
import { readOtlp } from './index.ts'
import type { LogRecord } from './messages.ts'
import { attributes, encodeOtlp, nanos } from './testing/encode.ts'

const now = Date.UTC(2026, 10, 21, 12)

const map = (logRecords: LogRecord[], service = 'shop') => {
  const resource = { attributes: attributes({ 'service.name': service, 'k8s.pod.name': 'p' }) }
  const request = { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }
  const [fromProtobuf, fromJson] = (['protobuf', 'json'] as const).map((encoding) =>
    readOtlp('logs', {
      ...{ bytes: encodeOtlp('logs', request, encoding), encoding },
      ...{ tenant: 'acme', receivedAtMs: now },
    }),
  )
  expect(fromJson).toEqual(fromProtobuf)
  return { records: fromProtobuf!.records as LogEntry[], rejected: fromProtobuf!.rejected }
}
const mapped = (log: LogRecord): LogEntry => {
  const { records, rejected } = map([log])
  expect(rejected).toEqual([])
  return records[0]!
}

describe('a log record', () => {
  it('keeps what was sent', () => {
    const sent: LogRecord = {
      timeUnixNano: nanos(now - 5),
      observedTimeUnixNano: nanos(now),
      ...{ severityNumber: 17, severityText: 'SEVERE', eventName: 'order.failed' },
      body: { stringValue: 'no such order' },
      attributes: attributes({ order: { intValue: 17n }, __proto__x: 'y', ['__proto__']: 'z' }),
      traceId: Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex'),
      spanId: Buffer.from('b7ad6b7169203331', 'hex'),
    }
    const [record] = map([sent]).records
    expect(record).toEqual({
      ...{ timestamp: now - 5, tenant: 'acme', service: 'shop', level: 'error' },
      message: 'no such order',
      labels: expect.anything(),
      resource: { 'service.name': 'shop', 'k8s.pod.name': 'p' },
      environment: null,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
    })
    expect(Object.entries(record!.labels)).toEqual([
      ['order', '17'],
      ['__proto__x', 'y'],
      ['__proto__', 'z'],
      ['event.name', 'order.failed'],
      ['severity_text', 'SEVERE'],
    ])
  })

  it.each([
    { number: 1, text: '', level: 'trace' },
    { number: 4, text: '', level: 'trace' },
    { number: 5, text: '', level: 'debug' },
    { number: 9, text: 'warn', level: 'info' },
    { number: 16, text: '', level: 'warn' },
    { number: 20, text: '', level: 'error' },
    { number: 24, text: '', level: 'fatal' },
    { number: 25, text: '', level: 'fatal' },
    { number: 0, text: 'WARNING', level: 'warn' },
    { number: 0, text: 'Informational', level: 'info' },
    { number: 0, text: ' err ', level: 'error' },
    { number: 0, text: 'CRITICAL', level: 'fatal' },
    { number: 0, text: 'whatever', level: 'unspecified' },
    { number: -3, text: '', level: 'unspecified' },
  ])('of severity $number "$text" is $level', ({ number, text, level }) => {
    expect(mapped({ severityNumber: number, severityText: text }).level).toBe(level)
  })

  it.each([
    { title: 'when it happened', time: now - 2_000, observed: now, timestamp: now - 2_000 },
    { title: 'when it was seen, else', time: 0, observed: now - 1_000, timestamp: now - 1_000 },
    { title: 'now, else', time: 0, observed: 0, timestamp: now },
  ])('has the time $title', ({ time, observed, timestamp }) => {
    const times = { timeUnixNano: nanos(time), observedTimeUnixNano: nanos(observed) }
    expect(mapped(times).timestamp).toBe(timestamp)
  })

  it.each([
    {
      title: 'JSON where it is structured',
      body: { kvlistValue: { values: attributes({ a: 'b' }) } },
      message: '{"a":"b"}',
    },
    { title: 'a number as JSON', body: { intValue: -7n }, message: '-7' },
    { title: 'not a number as text', body: { doubleValue: NaN }, message: '"NaN"' },
    { title: 'empty where there is none', body: null, message: '' },
  ])('has a message that is $title', ({ body, message }) => {
    expect(mapped({ body }).message).toBe(message)
  })

  it.each([
    { title: 'all zeros', traceId: Buffer.alloc(16) },
    { title: 'too short', traceId: Buffer.from('abc') },
  ])('is of no trace where its id is $title', ({ traceId }) => {
    expect(mapped({ traceId }).traceId).toBeNull()
  })

  it('is refused 61 s ahead, and the one beside it is not', () => {
    const { records, rejected } = map([{ timeUnixNano: nanos(now + 60_001) }, {}])
    expect(records).toHaveLength(1)
    expect(rejected).toMatchObject([{ reason: 'a time more than 60 s ahead' }])
  })

  it('is refused of a service that cannot be part of a key', () => {
    expect(map([{}], 'a\u001fb').rejected).toMatchObject([
      { detail: expect.stringContaining('U+001F') },
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { BadInput } from '../bad-input.ts'
import { deployment } from './deployment.ts'
import { mapItems, MAX_ITEMS } from './items.ts'
import { logEntry } from './log-entry.ts'
import { metricPoint } from './metric-point.ts'

const receivedAtMs = Date.UTC(2026, 10, 21, 12)
const arrival = { tenant: 'acme', receivedAtMs }
const timestamp = '2026-11-21T12:00:00Z'

const metric = {
  timestamp,
  metric_name: 'request_latency_ms',
  value: 108.4,
  labels: { service: 'checkout', environment: 'production' },
}
const log = {
  timestamp,
  level: 'ERROR',
  message: 'payment declined',
  service: 'checkout',
  labels: { component: 'payment' },
}
const change = {
  timestamp,
  service: 'checkout',
  version: 'v2.3.1',
  status: 'success',
  metadata: { commit: '4f9c2ab', deployed_by: 'ada' },
}

const point = (overrides: object = {}) => metricPoint({ ...metric, ...overrides }, arrival)
const entry = (overrides: object = {}) => logEntry({ ...log, ...overrides }, arrival)
const event = (overrides: object = {}) => deployment({ ...change, ...overrides }, arrival)

const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`label${String(index)}`, 'x']))

describe('a metric point', () => {
  it('becomes a point of ours', () => {
    expect(point()).toEqual({
      timestamp: receivedAtMs,
      value: 108.4,
      tenant: 'acme',
      name: 'request_latency_ms',
      labels: { service: 'checkout', environment: 'production' },
      unit: null,
      kind: 'unspecified',
    })
  })

  it.each([
    { title: 'seconds', given: receivedAtMs / 1000, time: receivedAtMs },
    { title: 'fractions of a second', given: receivedAtMs / 1000 + 0.25, time: receivedAtMs + 250 },
    { title: 'milliseconds', given: receivedAtMs + 1, time: receivedAtMs + 1 },
    { title: 'nanoseconds', given: BigInt(receivedAtMs) * 1_000_000n, time: receivedAtMs },
    { title: 'another zone', given: '2026-11-21T13:00:00+01:00', time: receivedAtMs },
    { title: '60 s ahead', given: receivedAtMs + 60_000, time: receivedAtMs + 60_000 },
    { title: 'long ago', given: '1970-01-01T00:00:00Z', time: 0 },
  ])('takes $title as time', ({ given, time }) => {
    expect(point({ timestamp: given }).timestamp).toBe(time)
  })

  it.each([
    { title: 'zero', value: 0 },
    { title: 'a negative number', value: -1e300 },
    { title: 'a whole number beyond 2^53', value: 9007199254740993n, is: 9007199254740992 },
  ])('takes $title as value', ({ value, is = value }) => {
    expect(point({ value }).value).toBe(is)
  })

  it.each([
    { title: 'as fields', given: { labels: {}, service: 'a', environment: 'b' } },
    { title: 'as labels', given: { labels: { service: 'a', environment: 'b' } } },
    { title: 'as both', given: { labels: { service: 'a', environment: 'b' }, service: 'a' } },
  ])('takes service and environment $title', ({ given }) => {
    expect(point(given).labels).toEqual({ service: 'a', environment: 'b' })
  })

  it('takes labels that are no text as JSON, and none for null', () => {
    const labels = { port: 8080, canary: true, gone: null, id: 9007199254740993n, empty: '' }
    expect(point({ labels }).labels).toEqual({
      port: '8080',
      canary: 'true',
      id: '9007199254740993',
      empty: '',
    })
  })

  it('has a label called __proto__ like any other', () => {
    const labels: unknown = JSON.parse('{"__proto__":"x"}')
    expect(Object.entries(point({ labels }).labels)).toEqual([['__proto__', 'x']])
  })

  it.each([
    { title: 'as many labels as may be', given: { labels: entries(64) } },
    { title: 'the longest label', given: { labels: { ['n'.repeat(255)]: 'v'.repeat(2048) } } },
    { title: 'the longest name', given: { metric_name: 'n'.repeat(2048) } },
    { title: 'no labels', given: { labels: undefined } },
    { title: 'fields that nobody here knows', given: { type: 'gauge' } },
  ])('takes $title', ({ given }) => {
    expect(() => point(given)).not.toThrow()
  })

  it.each([
    { title: 'no time', given: { timestamp: undefined }, field: 'timestamp', limit: 'given' },
    {
      title: 'a time that is none',
      given: { timestamp: 'now' },
      field: 'timestamp',
      limit: 'a time',
    },
    {
      title: 'a time that is no text',
      given: { timestamp: {} },
      field: 'timestamp',
      limit: 'a time',
    },
    {
      title: 'a time ahead',
      given: { timestamp: receivedAtMs + 60_001 },
      field: 'timestamp',
      limit: '60 s ahead',
    },
    { title: 'a time before 1970', given: { timestamp: -1 }, field: 'timestamp', limit: '1970' },
    { title: 'no name', given: { metric_name: undefined }, field: 'metric_name', limit: 'text' },
    {
      title: 'an empty name',
      given: { metric_name: '' },
      field: 'metric_name',
      limit: 'not empty',
    },
    {
      title: 'a name that is a number',
      given: { metric_name: 5 },
      field: 'metric_name',
      limit: 'text',
    },
    {
      title: 'a name that is too long',
      given: { metric_name: 'n'.repeat(2049) },
      field: 'metric_name',
      limit: '2048 characters',
    },
    { title: 'no value', given: { value: undefined }, field: 'value', limit: 'finite' },
    { title: 'a value that is text', given: { value: '1' }, field: 'value', limit: 'finite' },
    { title: 'a value that is null', given: { value: null }, field: 'value', limit: 'finite' },
    {
      title: 'a value beyond all doubles',
      given: { value: Infinity },
      field: 'value',
      limit: 'finite',
    },
    { title: 'labels that are text', given: { labels: 'a=b' }, field: 'labels', limit: 'object' },
    {
      title: 'labels that are an array',
      given: { labels: ['a'] },
      field: 'labels',
      limit: 'object',
    },
    {
      title: 'too many labels',
      given: { labels: entries(65) },
      field: 'labels',
      limit: '64 entries',
    },
    {
      title: 'a million labels',
      given: { labels: entries(1_000_000) },
      field: 'labels',
      limit: '64 entries',
    },
    {
      title: 'an empty label name',
      given: { labels: { '': 'x' } },
      field: 'labels',
      limit: 'not empty',
    },
    {
      title: 'a label name that is too long',
      given: { labels: { ['n'.repeat(256)]: 'x' } },
      field: 'labels',
      limit: '255 characters',
    },
    {
      title: 'a label that is too long',
      given: { labels: { host: 'v'.repeat(2049) } },
      field: 'labels.host',
      limit: '2048 characters',
    },
    { title: 'a label name with =', given: { labels: { 'a=b': 'x' } }, field: 'key', limit: "'='" },
    {
      title: 'U+001F in a label',
      given: { labels: { a: '\u001f' } },
      field: 'key',
      limit: 'U+001F',
    },
    {
      title: 'a key that is too long',
      given: { labels: Object.fromEntries(['a', 'b', 'c', 'd'].map((n) => [n, 'v'.repeat(2048)])) },
      field: 'key',
      limit: 'at most 8192',
    },
    {
      title: 'two services',
      given: { service: 'a' },
      field: 'service',
      limit: 'the same as the label service',
    },
  ])('is refused with $title', ({ given, field, limit }) => {
    expect(() => point(given)).toThrow(
      expect.objectContaining({ field, limit: expect.stringContaining(limit) as unknown }),
    )
  })

  it.each([{ item: null }, { item: 5 }, { item: 'x' }, { item: [metric] }])(
    'is no $item',
    ({ item }) => {
      expect(() => metricPoint(item, arrival)).toThrow('body must be a JSON object')
    },
  )
})

describe('a log entry', () => {
  it('becomes an entry of ours', () => {
    expect(
      entry({ environment: 'production', trace_id: 'AB'.repeat(16), span_id: 'cd'.repeat(8) }),
    ).toEqual({
      timestamp: receivedAtMs,
      tenant: 'acme',
      service: 'checkout',
      level: 'error',
      message: 'payment declined',
      labels: { component: 'payment' },
      resource: {},
      environment: 'production',
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
    })
  })

  it.each([
    { word: 'error', level: 'error', kept: undefined },
    { word: 'ERROR', level: 'error', kept: undefined },
    { word: 'WARNING', level: 'warn', kept: 'WARNING' },
    { word: 'CRITICAL', level: 'fatal', kept: 'CRITICAL' },
    { word: 'Informational', level: 'info', kept: 'Informational' },
    { word: 'loud', level: 'unspecified', kept: 'loud' },
    { word: undefined, level: 'unspecified', kept: undefined },
  ])('reads the level $word as $level', ({ word, level, kept }) => {
    const read = entry({ level: word })
    expect(read.level).toBe(level)
    expect(read.labels['level']).toBe(kept)
  })

  it.each([
    { title: 'an empty line', given: { message: '' } },
    { title: 'the longest message', given: { message: 'm'.repeat(131_072) } },
    { title: 'its service as a label', given: { service: undefined, labels: { service: 'a' } } },
  ])('takes $title', ({ given }) => {
    expect(() => entry(given)).not.toThrow()
  })

  it.each([
    { title: 'no message', given: { message: undefined }, field: 'message', limit: 'given' },
    { title: 'a message that is a number', given: { message: 5 }, field: 'message', limit: 'text' },
    {
      title: 'a message that is too long',
      given: { message: 'm'.repeat(131_073) },
      field: 'message',
      limit: '131072 characters',
    },
    { title: 'no service', given: { service: undefined }, field: 'service', limit: 'given' },
    { title: 'an empty service', given: { service: '' }, field: 'service', limit: 'given' },
    { title: 'a level that is a number', given: { level: 3 }, field: 'level', limit: 'text' },
    {
      title: 'too many labels',
      given: { labels: entries(129) },
      field: 'labels',
      limit: '128 entries',
    },
    {
      title: 'labels that are too long in all',
      given: {
        labels: Object.fromEntries(Object.keys(entries(17)).map((n) => [n, 'v'.repeat(8192)])),
      },
      field: 'labels',
      limit: '131072 characters in all',
    },
    {
      title: 'a trace id of zeros',
      given: { trace_id: '0'.repeat(32) },
      field: 'trace_id',
      limit: '32 hex',
    },
    {
      title: 'a span id that is no hex',
      given: { span_id: 'xyz' },
      field: 'span_id',
      limit: '16 hex',
    },
    {
      title: 'a time ahead',
      given: { timestamp: receivedAtMs + 60_001 },
      field: 'timestamp',
      limit: '60 s',
    },
  ])('is refused with $title', ({ given, field, limit }) => {
    expect(() => entry(given)).toThrow(
      expect.objectContaining({ field, limit: expect.stringContaining(limit) as unknown }),
    )
  })
})

describe('a deployment', () => {
  it('becomes an event of ours', () => {
    expect(
      event({ environment: 'production', metadata: { ...change.metadata, run: 7 } }),
    ).toMatchObject({
      timestamp: receivedAtMs,
      tenant: 'acme',
      service: 'checkout',
      environment: 'production',
      version: 'v2.3.1',
      status: 'succeeded',
      kind: 'deployment',
      commit: '4f9c2ab',
      deployedBy: 'ada',
      source: 'ingest',
      metadata: { run: '7', status: 'success' },
    })
  })

  it.each([
    { word: 'succeeded', status: 'succeeded', kind: 'deployment' },
    { word: 'In Progress', status: 'running', kind: 'deployment' },
    { word: 'canceled', status: 'cancelled', kind: 'deployment' },
    { word: 'FAILED', status: 'failed', kind: 'deployment' },
    { word: 'rolled-back', status: 'succeeded', kind: 'rollback' },
    { word: 'constructor', status: 'unknown', kind: 'deployment' },
  ])('reads the status $word as $status', ({ word, status, kind }) => {
    expect(event({ status: word })).toMatchObject({ status, kind })
  })

  it('is the same event when it comes again, and another with another content or identity', () => {
    const ids = [
      event(),
      event({ metadata: {} }),
      event({ version: 'v2.3.2' }),
      event({ status: 'failed' }),
      event({ timestamp: receivedAtMs - 1000 }),
      event({ environment: 'staging' }),
      event({ id: 'a' }),
      event({ id: 'a', version: 'v2.3.2' }),
      deployment(change, { ...arrival, tenant: 'other' }),
    ].map(({ id }) => id)
    const [first, again, ...others] = ids
    expect(again).toBe(first)
    expect(others).not.toContain(first)
    expect(new Set(others).size).toBe(others.length - 1)
  })

  it.each([
    { title: 'no version', given: { version: undefined }, field: 'version', limit: 'text' },
    { title: 'no status', given: { status: undefined }, field: 'status', limit: 'text' },
    { title: 'a status that is a number', given: { status: 1 }, field: 'status', limit: 'text' },
    { title: 'no service', given: { service: undefined }, field: 'service', limit: 'given' },
    {
      title: 'metadata that is text',
      given: { metadata: 'x' },
      field: 'metadata',
      limit: 'object',
    },
    {
      title: 'a time ahead',
      given: { timestamp: receivedAtMs + 60_001 },
      field: 'timestamp',
      limit: '60 s',
    },
    {
      title: 'a service with a control character',
      given: { service: 'a\u001fb' },
      field: 'service',
      limit: 'without control characters',
    },
  ])('is refused with $title', ({ given, field, limit }) => {
    expect(() => event(given)).toThrow(
      expect.objectContaining({ field, limit: expect.stringContaining(limit) as unknown }),
    )
  })
})

describe('several', () => {
  const even = (item: unknown): unknown => {
    if (item === 'odd') throw new BadInput('value', item, 'even')
    return item
  }

  it('keeps the good part, and says which is not', () => {
    const { values, rejected } = mapItems(['a', 'odd', 'b'], even)
    expect(values).toEqual(['a', 'b'])
    expect(rejected).toEqual([{ index: 1, fault: new BadInput('value', 'odd', 'even') }])
  })

  it('takes one alone, and none', () => {
    expect(mapItems('a', even).values).toEqual(['a'])
    expect(mapItems([], even)).toEqual({ values: [], rejected: [] })
  })

  it('refuses more than it may take', () => {
    expect(mapItems(new Array(MAX_ITEMS).fill('a'), even).values).toHaveLength(MAX_ITEMS)
    expect(() => mapItems(new Array(MAX_ITEMS + 1).fill('a'), even)).toThrow('at most 100000 items')
  })

  it('does not take a bug for bad input', () => {
    expect(() =>
      mapItems(['a'], () => {
        throw new TypeError('a bug')
      }),
    ).toThrow('a bug')
  })
})

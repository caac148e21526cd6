import { describe, expect, it } from 'vitest'
import type { Span } from '../../../schemas/generated/telemetry-spans.ts'
import { readOtlp } from './index.ts'
import type { KeyValue, OtlpSpan } from './messages.ts'
import { attributes, encodeOtlp, nanos } from './testing/encode.ts'

const now = Date.UTC(2026, 10, 21, 12)
const traceId = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')
const spanId = Buffer.from('b7ad6b7169203331', 'hex')
const span = (fields: OtlpSpan = {}): OtlpSpan => ({
  ...{ traceId, spanId, name: 'GET /orders/{id}', kind: 2 },
  startTimeUnixNano: nanos(now) + 123_456n,
  endTimeUnixNano: nanos(now) + 5_123_456n,
  ...fields,
})

const map = (spans: OtlpSpan[], resource: KeyValue[] = attributes({ 'service.name': 'shop' })) => {
  const request = {
    resourceSpans: [
      { resource: { attributes: resource }, scopeSpans: [{ scope: { name: 'http' }, spans }] },
    ],
  }
  const [fromProtobuf, fromJson] = (['protobuf', 'json'] as const).map((encoding) =>
    readOtlp('traces', {
      ...{ bytes: encodeOtlp('traces', request, encoding), encoding },
      ...{ tenant: 'acme', receivedAtMs: now },
    }),
  )
  expect(fromJson).toEqual(fromProtobuf)
  return { records: fromProtobuf!.records as Span[], rejected: fromProtobuf!.rejected }
}
const mapped = (fields: OtlpSpan = {}, resource?: KeyValue[]): Span => {
  const { records, rejected } = map([span(fields)], resource)
  expect(rejected).toEqual([])
  return records[0]!
}

describe('a span', () => {
  it('keeps what was sent, under the names of ours and under its own', () => {
    const sent = span({
      parentSpanId: Buffer.from('00f067aa0ba902b7', 'hex'),
      traceState: 'a=1',
      attributes: attributes({
        'http.request.method': 'get',
        'http.route': '/orders/{id}',
        'http.response.status_code': { intValue: 503n },
        sizes: { arrayValue: { values: [{ intValue: 9_007_199_254_740_993n }, {}] } },
        tree: { kvlistValue: { values: attributes({ a: { doubleValue: 0.5 }, b: 'x' }) } },
        raw: { bytesValue: Buffer.from([1, 2]) },
      }),
      events: [{ timeUnixNano: nanos(now), name: 'retry', attributes: attributes({ n: '1' }) }],
      links: [
        { traceId, spanId, attributes: [] },
        { traceId: Buffer.alloc(16), spanId },
      ],
      droppedEventsCount: 2,
    })
    const resource = attributes({
      'service.name': 'checkout',
      'service.version': '1.2',
      'deployment.environment': 'production',
    })
    expect(map([sent], resource)).toEqual({
      rejected: [],
      records: [
        {
          ...{ start: now * 1_000 + 123, durationUs: 5_000, tenant: 'acme' },
          ...{ traceId: traceId.toString('hex'), spanId: spanId.toString('hex') },
          ...{ parentSpanId: '00f067aa0ba902b7', service: 'checkout', endpoint: '/orders/{id}' },
          ...{ name: 'GET /orders/{id}', kind: 'server', status: 'error', method: 'GET' },
          ...{ statusCode: 503, errorType: null, errorMessage: null, stack: null, peer: null },
          ...{ environment: 'production', version: '1.2' },
          attributes: {
            'http.request.method': 'get',
            'http.route': '/orders/{id}',
            'http.response.status_code': '503',
            sizes: '[9007199254740993,null]',
            tree: '{"a":0.5,"b":"x"}',
            raw: 'AQI=',
            'otel.scope.name': 'http',
            'w3c.tracestate': 'a=1',
            'otel.dropped_events_count': '2',
            'otel.dropped_links_count': '1',
          },
          resource: {
            'service.name': 'checkout',
            'service.version': '1.2',
            'deployment.environment': 'production',
          },
          events: [{ timestamp: now * 1_000, name: 'retry', attributes: { n: '1' } }],
          links: [
            { traceId: traceId.toString('hex'), spanId: spanId.toString('hex'), attributes: {} },
          ],
        },
      ],
    })
  })

  it.each<{ title: string; given: Record<string, string>; name?: string; endpoint: string }>([
    {
      title: 'the route',
      given: { 'http.route': '/a/{b}', 'url.path': '/a/1' },
      endpoint: '/a/{b}',
    },
    { title: "a client's template", given: { 'url.template': '/a/{b}' }, endpoint: '/a/{b}' },
    { title: 'an RPC method', given: { 'rpc.method': 'shop.Cart/Add' }, endpoint: 'shop.Cart/Add' },
    {
      title: 'an RPC method and service',
      given: { 'rpc.method': 'Add', 'rpc.service': 'shop.Cart' },
      endpoint: 'shop.Cart/Add',
    },
    { title: 'a path with a name in it', given: { 'url.path': '/a/:id' }, endpoint: '/a/:id' },
    { title: 'no path as it was asked for', given: { 'url.path': '/a/17' }, endpoint: 'GET' },
    { title: 'no old path either', given: { 'http.target': '/a/17?x=1' }, endpoint: 'GET' },
    { title: 'the name otherwise', given: {}, endpoint: 'GET' },
  ])('has as endpoint $title', ({ given, endpoint }) => {
    expect(mapped({ name: 'GET', attributes: attributes(given) }).endpoint).toBe(endpoint)
  })

  it.each([
    { title: 'unset', code: 0, kind: 2, http: 499, status: 'unset' },
    { title: 'an error from 500 on', code: 0, kind: 2, http: 500, status: 'error' },
    { title: 'unset for a client that saw 500', code: 0, kind: 3, http: 500, status: 'unset' },
    { title: 'what the service said', code: 1, kind: 2, http: 500, status: 'ok' },
    { title: 'an error that the service says', code: 2, kind: 1, http: 200, status: 'error' },
    { title: 'unset for a code to come', code: 9, kind: 2, http: 200, status: 'unset' },
  ])('has the status $title', ({ code, kind, http, status }) => {
    const sent = attributes({ 'http.status_code': { intValue: BigInt(http) } })
    const found = mapped({ kind, status: { code }, attributes: sent })
    expect(found).toMatchObject({ status, statusCode: http })
  })

  it('tells its last exception, and what the status says beside it', () => {
    const exception = (type: string) => ({
      ...{ name: 'exception', timeUnixNano: nanos(now) },
      attributes: attributes({
        'exception.type': type,
        'exception.message': `${type} happened`,
        'exception.stacktrace': 'at x',
      }),
    })
    const found = mapped({
      events: [exception('First'), exception('Last')],
      status: { code: 2, message: 'gave up' },
    })
    expect(found).toMatchObject({ errorType: 'Last', errorMessage: 'Last happened', stack: 'at x' })
    expect(found.attributes['otel.status_description']).toBe('gave up')
    expect(mapped({ status: { code: 2, message: 'gave up' } })).toMatchObject({
      ...{ errorType: null, errorMessage: 'gave up', stack: null },
      attributes: { 'otel.scope.name': 'http' },
    })
  })

  it.each([
    { title: 'a service by name', kind: 3, given: { 'service.peer.name': 'db' }, peer: 'db' },
    { title: 'an older name of it', kind: 3, given: { 'peer.service': 'db' }, peer: 'db' },
    {
      title: 'an address and port',
      kind: 3,
      given: { 'server.address': 'db.local', 'server.port': { intValue: 5432n } },
      peer: 'db.local:5432',
    },
    { title: 'an older address', kind: 4, given: { 'net.peer.name': 'mq' }, peer: 'mq' },
    { title: 'nobody for a server', kind: 2, given: { 'server.address': 'me' }, peer: null },
  ])('has as peer $title', ({ kind, given, peer }) => {
    expect(mapped({ kind, attributes: attributes(given as Record<string, string>) }).peer).toBe(
      peer,
    )
  })

  it.each<{ title: string; wrong: OtlpSpan; reason: RegExp }>([
    { title: 'a trace id of zeros', wrong: { traceId: Buffer.alloc(16) }, reason: /ids/ },
    { title: 'a short trace id', wrong: { traceId: Buffer.from('ab') }, reason: /ids/ },
    { title: 'no span id', wrong: { spanId: null }, reason: /ids/ },
    { title: 'a parent id of 3 bytes', wrong: { parentSpanId: Buffer.from('abc') }, reason: /ids/ },
    { title: 'an end before its start', wrong: { endTimeUnixNano: nanos(now) }, reason: /ends/ },
    { title: 'no start', wrong: { startTimeUnixNano: 0n }, reason: /no time/ },
    {
      title: 'a start 61 s ahead',
      wrong: { startTimeUnixNano: nanos(now + 61_000), endTimeUnixNano: nanos(now + 61_001) },
      reason: /60 s ahead/,
    },
    {
      title: 'an end at the end of time',
      wrong: { endTimeUnixNano: 2n ** 64n - 1n },
      reason: /60 s ahead/,
    },
  ])('is refused with $title, and the one beside it is not', ({ wrong, reason }) => {
    const { records, rejected } = map([span(wrong), span()])
    expect(records).toHaveLength(1)
    expect(rejected).toEqual([
      { reason: expect.stringMatching(reason), detail: expect.any(String) },
    ])
  })

  it('may be 60 s ahead, have no parent, and not have ended', () => {
    const start = { startTimeUnixNano: nanos(now + 60_000), endTimeUnixNano: 0n }
    const found = mapped({ ...start, parentSpanId: Buffer.alloc(8) })
    expect(found).toMatchObject({ durationUs: null, parentSpanId: null })
  })

  it('keeps 128 events and links, 256 attributes, and counts the rest', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ key: `a${String(index)}`, value: {} }))
    const found = mapped({
      attributes: many(258),
      events: Array.from({ length: 130 }, () => ({ timeUnixNano: 2n ** 64n - 1n })),
      links: Array.from({ length: 131 }, () => ({ traceId, spanId, attributes: many(257) })),
    })
    expect([found.events.length, found.links.length]).toEqual([128, 128])
    expect(found.attributes).toMatchObject({
      'otel.dropped_attributes_count': '2',
      'otel.dropped_events_count': '2',
      'otel.dropped_links_count': '3',
    })
    expect(found.links[0]?.attributes['otel.dropped_attributes_count']).toBe('1')
    // A time that cannot be: that of the span.
    expect(found.events[0]?.timestamp).toBe(found.start)
  })

  it.each([
    { sent: { 'service.name': 'a', job: 'b' }, service: 'a' },
    { sent: { job: 'b', app: 'c' }, service: 'b' },
    { sent: { app: 'c' }, service: 'c' },
    { sent: {}, service: 'unknown_service' },
  ])('is of service $service', ({ sent, service }) => {
    expect(mapped({}, attributes(sent)).service).toBe(service)
  })
})

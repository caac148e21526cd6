import { describe, expect, it } from 'vitest'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { readOtlp } from './index.ts'
import type { ExponentialPoint, KeyValue, Metric, NumberPoint } from './messages.ts'
import { attributes, encodeOtlp, nanos } from './testing/encode.ts'

const now = Date.UTC(2026, 10, 21, 12)
const timeUnixNano = nanos(now) + 999_999n

const map = (metrics: Metric[], resource: KeyValue[] = [], scope = {}) => {
  const request = {
    resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ scope, metrics }] }],
  }
  const [fromProtobuf, fromJson] = (['protobuf', 'json'] as const).map((encoding) =>
    readOtlp('metrics', {
      ...{ bytes: encodeOtlp('metrics', request, encoding), encoding },
      ...{ tenant: 'acme', receivedAtMs: now },
    }),
  )
  expect(fromJson).toEqual(fromProtobuf)
  const records = fromProtobuf!.records as MetricPoint[]
  return {
    points: records.filter(({ name }) => name !== 'target_info'),
    target: records.filter(({ name }) => name === 'target_info'),
    rejected: fromProtobuf!.rejected,
  }
}
const gauge = (point: NumberPoint): Metric => ({
  ...{ name: 'queue.size', unit: '{item}' },
  gauge: { dataPoints: [{ timeUnixNano, asDouble: 1.5, ...point }] },
})
/** `name{le} value kind unit`, to compare at a glance. */
const lines = (points: readonly MetricPoint[]) =>
  points.map(({ name, labels, value, kind, unit }) =>
    [`${name}{${Object.values(labels).join()}}`, value, kind, unit].join(' '),
  )

describe('a point', () => {
  it('is a record of its series', () => {
    const resource = attributes({ 'service.name': 'shop', 'host.name': 'h1' })
    const sent = gauge({ attributes: attributes({ queue: 'orders', shard: { intValue: 3n } }) })
    expect(map([sent], resource, { name: 'lib', version: '2' }).points).toEqual([
      {
        ...{ timestamp: now, value: 1.5, tenant: 'acme', name: 'queue.size' },
        labels: {
          ...{ 'service.name': 'shop', 'host.name': 'h1', 'otel.scope.name': 'lib' },
          ...{ queue: 'orders', shard: '3' },
        },
        ...{ unit: '{item}', kind: 'gauge' },
      },
    ])
  })

  it.each([
    { temporality: 2, isMonotonic: true, kind: 'counter' },
    { temporality: 2, isMonotonic: false, kind: 'gauge' },
    { temporality: 1, isMonotonic: true, kind: 'delta' },
    { temporality: 1, isMonotonic: false, kind: 'delta' },
    { temporality: 0, isMonotonic: true, kind: 'unspecified' },
  ])('of a sum, $temporality $isMonotonic, stands as sent and is a $kind', (sum) => {
    const dataPoints = [{ timeUnixNano, asInt: -7n }]
    const { temporality: aggregationTemporality, isMonotonic, kind } = sum
    const sent = { name: 'n', sum: { dataPoints, aggregationTemporality, isMonotonic } }
    expect(map([sent]).points).toMatchObject([{ value: -7, kind, unit: null }])
  })

  it('wins with its attributes over those of the resource', () => {
    const sent = gauge({ attributes: attributes({ 'host.name': 'measured' }) })
    const resource = attributes({ 'host.name': 'measuring' })
    expect(map([sent], resource).points[0]?.labels).toEqual({ 'host.name': 'measured' })
  })

  it.each<{ title: string; wrong: Metric; reason: RegExp }>([
    { title: 'no time', wrong: gauge({ timeUnixNano: 0n }), reason: /^no time/ },
    {
      title: 'a time 61 s ahead',
      wrong: gauge({ timeUnixNano: nanos(now + 61_000) }),
      reason: /60 s ahead/,
    },
    { title: 'NaN', wrong: gauge({ asDouble: NaN }), reason: /not finite/ },
    { title: 'an infinity', wrong: gauge({ asDouble: -Infinity }), reason: /not finite/ },
    { title: 'no value', wrong: gauge({ asDouble: null }), reason: /without a value/ },
    { title: 'no name', wrong: { ...gauge({}), name: '' }, reason: /part of a key/ },
    {
      title: 'an attribute name with =',
      wrong: gauge({ attributes: attributes({ 'a=b': 'c' }) }),
      reason: /part of a key/,
    },
    {
      title: 'labels of more than a key takes',
      wrong: gauge({ attributes: attributes({ a: 'x'.repeat(9_000) }) }),
      reason: /part of a key/,
    },
    {
      title: 'a unit of 257 characters',
      wrong: { ...gauge({}), unit: 'x'.repeat(257) },
      reason: /256 characters/,
    },
  ])('with $title is refused, and the one beside it is not', ({ wrong, reason }) => {
    const { points, rejected } = map([wrong, gauge({})])
    expect(points).toHaveLength(1)
    expect(rejected).toEqual([
      { reason: expect.stringMatching(reason), detail: expect.any(String) },
    ])
  })

  it('without a recorded value is neither a point nor a fault', () => {
    expect(map([gauge({ flags: 1, asDouble: null })])).toEqual({
      ...{ points: [], target: [], rejected: [] },
    })
  })
})

describe('a histogram', () => {
  const histogram = (point: object, aggregationTemporality = 2): Metric => ({
    ...{ name: 'h', unit: 's' },
    histogram: {
      aggregationTemporality,
      dataPoints: [
        {
          ...{ timeUnixNano, count: 6n, sum: 7.5, min: 0.001, max: 9 },
          ...{ explicitBounds: [0.005, 1], bucketCounts: [1n, 2n, 3n] },
          ...point,
        },
      ],
    },
  })

  it('is the series that users of Prometheus know', () => {
    expect(lines(map([histogram({})]).points)).toEqual([
      'h_count{} 6 counter 1',
      'h_sum{} 7.5 counter s',
      'h_min{} 0.001 gauge s',
      'h_max{} 9 gauge s',
      'h_bucket{0.005} 1 counter 1',
      'h_bucket{1} 3 counter 1',
      'h_bucket{+Inf} 6 counter 1',
    ])
  })

  it('of deltas is one of deltas; without sum and buckets it has neither', () => {
    const bare = { sum: null, min: null, max: null, bucketCounts: [], explicitBounds: [] }
    expect(lines(map([histogram(bare, 1)]).points)).toEqual(['h_count{} 6 delta 1'])
  })

  it.each([
    { title: 'one count too few', wrong: { bucketCounts: [1n, 2n] } },
    { title: 'bounds that fall', wrong: { explicitBounds: [1, 0.5] } },
    { title: 'a bound twice', wrong: { explicitBounds: [1, 1] } },
    { title: 'an infinite bound', wrong: { explicitBounds: [1, Infinity] } },
    { title: 'a sum that is not a number', wrong: { sum: NaN } },
    {
      title: 'labels that fit without le only',
      wrong: { attributes: attributes({ a: 'x'.repeat(8_176) }) },
    },
  ])('with $title is refused whole', ({ wrong }) => {
    const { points, rejected } = map([histogram(wrong)])
    expect(points).toEqual([])
    expect(rejected).toHaveLength(1)
  })
})

describe('an exponential histogram', () => {
  const exponential = (point: ExponentialPoint): Metric => ({
    name: 'e',
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: [{ timeUnixNano, ...point }],
    },
  })

  it('has the powers of two as bounds, those that were used', () => {
    // Scale 1: two buckets for each power; from 2 ** 0.5, of which (1.41, 2] is the first.
    const positive = { offset: 1, bucketCounts: [1n, 2n, 3n, 0n, 4n] }
    const negative = { offset: 0, bucketCounts: [5n] }
    const sent = exponential({ count: 16n, sum: 50, scale: 1, zeroCount: 1n, positive, negative })
    expect(lines(map([sent]).points)).toEqual([
      'e_count{} 16 counter 1',
      'e_sum{} 50 counter ',
      'e_bucket{2} 7 counter 1',
      'e_bucket{4} 12 counter 1',
      'e_bucket{8} 16 counter 1',
      'e_bucket{+Inf} 16 counter 1',
    ])
  })

  it('of nothing has its count', () => {
    expect(lines(map([exponential({ count: 0n, scale: 3 })]).points)).toEqual([
      'e_count{} 0 counter 1',
      'e_bucket{+Inf} 0 counter 1',
    ])
  })

  it('of a scale that cannot be is refused', () => {
    expect(map([exponential({ count: 1n, scale: 400 })]).rejected).toHaveLength(1)
  })
})

it('a summary has its quantiles, except of nothing', () => {
  const quantileValues = [
    { quantile: 0.5, value: 2 },
    { quantile: 0.99, value: NaN },
  ]
  const dataPoints = [{ timeUnixNano, count: 3n, sum: 6, quantileValues }]
  expect(lines(map([{ name: 's', unit: 'ms', summary: { dataPoints } }]).points)).toEqual([
    's_count{} 3 counter 1',
    's_sum{} 6 counter ms',
    's{0.5} 2 gauge ms',
  ])
})

describe('labels of a resource', () => {
  const labelsWith = (resource: Record<string, string>) =>
    Object.keys(map([gauge({})], attributes(resource)).points[0]!.labels)

  it.each([
    {
      title: 'what it is and where it runs',
      resource: {
        'service.name': 'a',
        'service.instance.id': 'b',
        'k8s.pod.name': 'c',
        'cloud.region': 'd',
        'host.name': 'e',
      },
    },
    { title: 'what nobody knows', resource: { 'postgresql.table.name': 'orders', team: 'x' } },
    {
      title: 'a process where no service is said',
      resource: { 'host.name': 'h', 'process.pid': '7' },
    },
    { title: 'the id of a host without a name', resource: { 'host.id': 'x' } },
  ])('are $title', ({ resource }) => {
    expect(labelsWith(resource)).toEqual(Object.keys(resource))
  })

  it('are not what only describes it, which target_info has', () => {
    const described = {
      ...{ 'telemetry.sdk.name': 'a', 'service.version': '1', 'process.pid': '7', 'os.type': 'x' },
      ...{ 'host.id': 'i', 'host.arch': 'arm', 'k8s.pod.uid': 'u', 'k8s.pod.label.team': 't' },
    }
    const identity = { 'service.name': 's', 'host.name': 'h' }
    const resource = attributes({ ...identity, ...described })
    const later = gauge({ timeUnixNano: timeUnixNano + 5_000_000n })
    const { points, target } = map([gauge({}), later, gauge({})], resource)
    expect(points[0]?.labels).toEqual(identity)
    expect(target).toEqual([
      {
        ...{ timestamp: now + 5, value: 1, tenant: 'acme', name: 'target_info' },
        ...{ labels: { ...identity, ...described }, unit: null, kind: 'gauge' },
      },
    ])
  })

  it('are in no target_info that a key cannot hold, and nobody is told', () => {
    const resource = attributes({ 'service.name': 's', 'process.command_line': 'x'.repeat(9_000) })
    expect(map([gauge({})], resource)).toMatchObject({ points: [{}], target: [], rejected: [] })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_BUCKETS } from '../exponential-buckets.ts'
import { RemoteWriteDecoder } from './remote-write.ts'
import { SeriesCache } from './series-cache.ts'
import { request1, request2, type SentHistogram } from './testing/messages.ts'
import { format, pointsOf } from './testing/points.ts'

const NOW_MS = 1_795_300_000_000

const decode = (histogram: SentHistogram, version: '1.0' | '2.0' = '2.0') => {
  const series = [
    {
      labels: [
        ['__name__', 'lat'],
        ['job', 'a'],
      ] as const,
      histograms: [{ timestamp: NOW_MS, ...histogram }],
    },
  ]
  const cache = new SeriesCache({ format, limitBytes: 1e6, admitSeries: () => undefined })
  const body = version === '1.0' ? request1(series) : request2(series)
  return new RemoteWriteDecoder(cache).decode({ tenant: 't', version, body, receivedAtMs: NOW_MS })
}

/** `{ le: count }` and the rest. */
const classic = (histogram: SentHistogram, version?: '1.0' | '2.0') => {
  const points = pointsOf(decode(histogram, version))
  const valueOf = (name: string) => points.find((point) => point.name === name)?.value
  const buckets = points.filter(({ name }) => name === 'lat_bucket')
  return {
    buckets: Object.fromEntries(buckets.map(({ labels, value }) => [labels.le ?? '', value])),
    ...{ count: valueOf('lat_count'), sum: valueOf('lat_sum') },
  }
}

describe.each(['1.0', '2.0'] as const)('version %s', (version) => {
  it('whole numbers: buckets of schema 1 end at powers of the square root of 2', () => {
    // Indexes 0, 1, 2 and, behind a gap of 1, 4: to 1, 1.41, 2 and 4.
    const histogram = {
      ...{ count_int: 12, sum: 20.5, schema: 1, zero_count_int: 2 },
      positive_spans: [
        { offset: 0, length: 3 },
        { offset: 1, length: 1 },
      ],
      positive_deltas: [1, 1, 1, 1],
    }
    expect(classic(histogram, version)).toEqual({
      buckets: { '1': 3, '2': 8, '4': 12, '+Inf': 12 },
      ...{ count: 12, sum: 20.5 },
    })
  })

  it('fractions: counts stand as they are', () => {
    const histogram = {
      ...{ count_float: 3.75, sum: 2, schema: 0, zero_count_float: 0.25 },
      positive_spans: [{ offset: -3, length: 2 }],
      positive_counts: [1.5, 2],
    }
    expect(classic(histogram, version).buckets).toEqual({
      '0.125': 1.75,
      '0.25': 3.75,
      '+Inf': 3.75,
    })
  })

  it('custom bounds', () => {
    const histogram = {
      ...{ count_int: 6, sum: 9, schema: -53, custom_values: [0.005, 0.1, 2.5] },
      positive_spans: [{ offset: 1, length: 3 }],
      positive_deltas: [1, 1, 1],
    }
    expect(classic(histogram, version).buckets).toEqual({
      '0.005': 0,
      '0.1': 1,
      '2.5': 3,
      '+Inf': 6,
    })
  })
})

it.each([
  {
    title: 'a schema below 0: buckets end at powers of 16',
    sent: {
      count_int: 3,
      schema: -2,
      positive_spans: [{ offset: 0, length: 2 }],
      positive_deltas: [1, 1],
    },
    buckets: { '1': 1, '16': 3, '+Inf': 3 },
  },
  {
    title: 'negative observations lie below all bounds',
    sent: {
      ...{ count_int: 6, schema: 0, zero_count_int: 1 },
      ...{ negative_spans: [{ offset: 2, length: 1 }], negative_deltas: [3] },
      ...{ positive_spans: [{ offset: 1, length: 1 }], positive_deltas: [2] },
    },
    buckets: { '2': 6, '+Inf': 6 },
  },
  { title: 'nothing observed', sent: { count_int: 0 }, buckets: { '+Inf': 0 } },
  {
    title: 'buckets that hold nothing have no bound',
    sent: {
      count_int: 1,
      schema: 0,
      positive_spans: [{ offset: 0, length: 3 }],
      positive_deltas: [0, 1, -1],
    },
    buckets: { '2': 1, '+Inf': 1 },
  },
  {
    title: 'what was NaN is in no bucket',
    sent: {
      count_int: 5,
      schema: 0,
      positive_spans: [{ offset: 0, length: 1 }],
      positive_deltas: [2],
    },
    buckets: { '1': 2, '+Inf': 5 },
  },
  {
    title: 'bounds that no number has',
    sent: {
      count_int: 3,
      schema: -4,
      positive_spans: [
        { offset: -100, length: 1 },
        { offset: 199, length: 1 },
      ],
      positive_deltas: [1, 1],
    },
    buckets: { '5e-324': 1, '+Inf': 3 },
  },
])('$title', ({ sent, buckets }) => {
  expect(classic(sent).buckets).toEqual(buckets)
})

it('all parts are running totals, unless the sender calls it a gauge; only the sum has the unit', () => {
  const kinds = (reset_hint: number) => [
    ...new Set(pointsOf(decode({ count_int: 1, sum: 1, reset_hint })).map(({ kind }) => kind)),
  ]
  expect([kinds(0), kinds(3)]).toEqual([['counter'], ['gauge']])
})

it('is passed over where its sum marks the end of the series', () => {
  const points = decode({ count_int: 1, sum: Number.NaN })
  expect([points.count, points.tally.notFinite]).toEqual([2, 1])
  const body = request1([
    { labels: [['__name__', 'lat']], histograms: [{ sum: Number.NaN, timestamp: NOW_MS }] },
  ])
  body.writeBigUInt64LE(0x7ff0000000000002n, body.indexOf(Buffer.from([0xf8, 0x7f])) - 6)
  const cache = new SeriesCache({ format, limitBytes: 1e6, admitSeries: () => undefined })
  const stale = new RemoteWriteDecoder(cache).decode({
    tenant: 't',
    version: '1.0',
    body,
    receivedAtMs: NOW_MS,
  })
  expect([stale.count, stale.tally.staleMarkers, stale.tally.refusedHistograms]).toEqual([0, 1, 0])
})

it.each([
  {
    title: 'more buckets than counts',
    sent: { positive_spans: [{ length: 4_000_000_000 }], positive_deltas: [1] },
  },
  {
    title: 'more counts than buckets',
    sent: { positive_spans: [{ length: 1 }], positive_deltas: [1, 1] },
  },
  {
    title: 'a negative count',
    sent: { positive_spans: [{ length: 2 }], positive_deltas: [1, -2] },
  },
  {
    title: 'more in buckets than observed',
    sent: { positive_spans: [{ length: 1 }], positive_deltas: [11] },
  },
  { title: 'an unknown schema', sent: { schema: 9 } },
  { title: 'custom bounds that fall', sent: { schema: -53, custom_values: [2, 1] } },
  {
    title: 'counts behind the last custom bound',
    sent: {
      schema: -53,
      custom_values: [1],
      positive_spans: [{ offset: 2, length: 1 }],
      positive_deltas: [1],
    },
  },
  { title: 'a count that is no number', sent: { count_float: Number.NaN } },
  { title: 'an endless count', sent: { count_float: Infinity } },
  { title: 'a zero bucket that is no number', sent: { zero_count_float: Number.NaN } },
  { title: 'a negative zero bucket', sent: { zero_count_float: -1 } },
  {
    title: 'more than a number holds',
    sent: {
      count_float: 1,
      positive_spans: [{ length: 2 }],
      positive_counts: [1.7e308, 1.7e308],
    },
  },
  { title: 'a time before 1970', sent: { timestamp: -1 } },
  { title: 'a time ahead', sent: { timestamp: NOW_MS + 60_001 } },
])('refuses $title', ({ sent }) => {
  const points = decode({ count_int: 10, ...sent })
  expect([points.count, points.reasons.length]).toEqual([0, 1])
  expect(points.tally).toMatchObject({ histograms: 1, refusedHistograms: 1 })
})

it('bounds are few, counts exact: whatever was observed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -4, max: 8 }),
      fc.integer({ min: -2_000, max: 2_000 }),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 300 }),
      (schema, offset, counts) => {
        const deltas = counts.map((count, index) => count - (counts[index - 1] ?? 0))
        const total = counts.reduce((sum, count) => sum + count, 0)
        const { buckets } = classic({
          ...{ count_int: total, schema },
          ...{ positive_spans: [{ offset, length: counts.length }], positive_deltas: deltas },
        })
        const bounds = Object.keys(buckets)
        expect(bounds.length).toBeLessThanOrEqual(MAX_BUCKETS + 1)
        for (const le of bounds) {
          const bound = Number(le.replace('+Inf', 'Infinity'))
          // Bucket i holds what is above 2^((i - 1) / 2^schema), up to 2^(i / 2^schema).
          const below = counts.reduce(
            (sum, count, index) =>
              (offset + index) * 2 ** -schema <= Math.log2(bound) ? sum + count : sum,
            0,
          )
          if (bound > 5e-324) expect(buckets[le]).toBe(below)
        }
      },
    ),
    { seed: 20_261_121, numRuns: 150 },
  )
})

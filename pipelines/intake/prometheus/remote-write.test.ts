import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { murmur2, toPartition } from '../../runtime/record/index.ts'
import { BadInput } from '../bad-input.ts'
import { ProtobufError } from './protobuf.ts'
import { RemoteWriteDecoder, type RemoteWriteVersion } from './remote-write.ts'
import { SeriesCache } from './series-cache.ts'
import { request1, request2, type SentSeries } from './testing/messages.ts'
import { format, keyOf, pointsOf } from './testing/points.ts'

const NOW_MS = 1_795_300_000_000
const SEED = 20_261_121

const cacheOf = (limitBytes = 1e6) =>
  new SeriesCache({ format, limitBytes, admitSeries: () => undefined })
const decoderOf = (cache = cacheOf()) => new RemoteWriteDecoder(cache)

const decode = (body: Buffer, version: RemoteWriteVersion, decoder = decoderOf()) =>
  decoder.decode({ tenant: 'acme', version, body, receivedAtMs: NOW_MS })

const VERSIONS = [
  { version: '1.0', request: (series: readonly SentSeries[]) => request1(series) },
  { version: '2.0', request: request2 },
] as const

const up: SentSeries = {
  labels: [
    ['__name__', 'up'],
    ['instance', '127.0.0.1:9090'],
    ['job', 'prometheus'],
  ],
  samples: [{ value: 1, timestamp: NOW_MS }],
}
const seen = {
  tenant: 'acme',
  name: 'up',
  labels: { instance: '127.0.0.1:9090', job: 'prometheus' },
  timestamp: NOW_MS,
  value: 1,
  unit: null,
  kind: 'unspecified',
}

describe.each(VERSIONS)('a request of version $version', ({ version, request }) => {
  it('becomes points under the canonical key and partition', () => {
    const [point, ...others] = pointsOf(decode(request([up]), version))
    expect(others).toEqual([])
    expect(point).toMatchObject(seen)
    expect(point?.key).toBe('acme\u001fup\u001finstance=127.0.0.1:9090\u001fjob=prometheus')
    expect(point?.partition).toBe(toPartition(murmur2(Buffer.from(point?.key ?? '')), 4))
  })

  it.each([0, 1, 63, 64, 2 ** 34 - 1, 2 ** 34, NOW_MS, NOW_MS + 60_000])(
    'keeps the time %i',
    (timestamp) => {
      const decoder = decoderOf()
      for (const each of [NOW_MS, timestamp, NOW_MS]) {
        const body = request([{ ...up, samples: [{ value: 0.5, timestamp: each }] }])
        const [point] = pointsOf(decode(body, version, decoder))
        expect(point).toMatchObject({ ...seen, timestamp: each, value: 0.5 })
      }
    },
  )

  it.each([0, -0, 1e-320, Number.MAX_VALUE, -Number.MAX_VALUE, 0.1 + 0.2])(
    'keeps the value %d to the bit',
    (value) => {
      const points = decode(request([{ ...up, samples: [{ value, timestamp: NOW_MS }] }]), version)
      expect(Object.is(pointsOf(points)[0]?.value, value)).toBe(true)
    },
  )

  it.each([
    { title: 'no name', labels: [['job', 'a']], reason: /__name__ is missing in {job="a"}/ },
    { title: 'no labels', labels: [], reason: /__name__ is missing/ },
    {
      title: 'not sorted',
      labels: [
        ['__name__', 'x'],
        ['b', '1'],
        ['a', '1'],
      ],
      reason: /"a" is not in its order/,
    },
    {
      title: 'twice',
      labels: [
        ['__name__', 'x'],
        ['a', '1'],
        ['a', '2'],
      ],
      reason: /"a" is there twice/,
    },
    {
      title: 'empty name',
      labels: [
        ['', '1'],
        ['__name__', 'x'],
      ],
      reason: /a label has no name/,
    },
    {
      title: 'empty value',
      labels: [
        ['__name__', 'x'],
        ['a', ''],
      ],
      reason: /"a" has no value/,
    },
    {
      title: 'U+001F',
      labels: [
        ['__name__', 'x'],
        ['a', '1\u001f2'],
      ],
      reason: /U\+001F/,
    },
    {
      title: '= in a name',
      labels: [
        ['__name__', 'x'],
        ['a=b', '1'],
      ],
      reason: /contains '='/,
    },
    {
      title: 'a key beyond 8,192 bytes',
      labels: [
        ['__name__', 'x'],
        ['a', 'y'.repeat(8_192)],
      ],
      reason: /at most 8192/,
    },
    {
      title: 'labels beyond 32 KiB',
      labels: [
        ['__name__', 'x'],
        ['a', 'y'.repeat(40_000)],
      ],
      reason: /more than 32768 bytes/,
    },
  ] as { title: string; labels: [string, string][]; reason: RegExp }[])(
    'refuses a series alone, and counts and says it: $title',
    ({ labels, reason }) => {
      const bad = { labels, samples: [...(up.samples ?? []), ...(up.samples ?? [])] }
      const points = decode(request([up, bad, up]), version)
      expect(pointsOf(points)).toHaveLength(2)
      expect(points.tally).toMatchObject({ samples: 4, refusedSamples: 2 })
      expect(points.reasons).toHaveLength(1)
      expect(points.reasons[0]).toMatch(reason)
    },
  )

  it.each([
    { timestamp: NOW_MS + 60_001, reason: /ahead of this clock, times up to 1795300060000/ },
    { timestamp: -1, reason: /timestamp -1 lies before 1970/ },
    { timestamp: Number.MIN_SAFE_INTEGER, reason: /before 1970/ },
  ])('refuses a sample of $timestamp alone', ({ timestamp, reason }) => {
    const samples = [...(up.samples ?? []), { value: 1, timestamp }]
    const points = decode(request([{ ...up, samples }]), version)
    expect(points.tally).toMatchObject({ samples: 2, refusedSamples: 1 })
    expect([points.count, points.reasons.length]).toEqual([1, 1])
    expect(points.reasons[0]).toMatch(reason)
  })

  it.each([Number.NaN, Infinity, -Infinity])('passes over %d, and counts it', (value) => {
    const samples = [{ value, timestamp: NOW_MS }, ...(up.samples ?? [])]
    const points = decode(request([{ ...up, samples }]), version)
    expect([points.count, points.reasons.length]).toEqual([1, 0])
    expect(points.tally).toMatchObject({
      samples: 2,
      notFinite: 1,
      staleMarkers: 0,
      refusedSamples: 0,
    })
  })

  it('knows the marker of the end of a series by its bits', () => {
    const body = request([{ ...up, samples: [{ value: Number.NaN, timestamp: NOW_MS }] }])
    const at = body.indexOf(Buffer.from([0, 0, 0, 0, 0, 0, 0xf8, 0x7f]))
    body.writeBigUInt64LE(0x7ff0000000000002n, at)
    const points = decode(body, version)
    expect(points.count).toBe(0)
    expect(points.tally).toMatchObject({
      samples: 1,
      notFinite: 0,
      staleMarkers: 1,
      refusedSamples: 0,
    })
  })

  it('counts exemplars, and makes nothing of them', () => {
    const points = decode(request([{ ...up, exemplars: 3 }]), version)
    expect([points.count, points.tally.exemplars]).toEqual([1, 3])
  })

  it('takes an empty request', () => {
    expect(decode(request([]), version).count).toBe(0)
  })

  it('says what a telling name says of the values', () => {
    const named = (name: string): SentSeries => ({
      ...up,
      labels: [
        ['__name__', name],
        ['le', '1'],
      ],
    })
    const body = request(['a_total', 'a_bucket', 'a_count', 'a'].map(named))
    const kinds = pointsOf(decode(body, version)).map(({ kind }) => kind)
    expect(kinds).toEqual(['counter', 'counter', 'unspecified', 'unspecified'])
  })

  it('takes names that objects have of themselves', () => {
    const labels = [
      ['__name__', 'x'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ] as const
    const [point] = pointsOf(decode(request([{ ...up, labels }]), version))
    expect(point?.key).toBe('acme\u001fx\u001f__proto__=p\u001fconstructor=c')
    expect(Object.entries(point?.labels ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ])
  })

  it('is refused whole wherever it is cut short, or taken for a shorter one', () => {
    const body = request([up, { ...up, samples: [{ value: 2, timestamp: NOW_MS }] }])
    const outcomes = new Set<number | 'refused'>()
    for (let end = 0; end < body.length; end++) {
      try {
        outcomes.add(decode(body.subarray(0, end), version).count)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError)
        outcomes.add('refused')
      }
    }
    // Between two fields of the outermost message a shorter one ends as well.
    expect([...outcomes].sort()).toEqual([0, 1, 'refused'])
  })
})

const anyText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((text) => !text.includes('\u001f'))
const byBytes = ([a]: readonly [string, string], [b]: readonly [string, string]) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))
const anySeries: fc.Arbitrary<SentSeries> = fc.record({
  labels: fc
    .tuple(
      anyText,
      fc.dictionary(
        anyText.filter((text) => !text.includes('=') && text !== '__name__'),
        anyText,
        { maxKeys: 6 },
      ),
    )
    .map(([name, labels]): (readonly [string, string])[] =>
      [['__name__', name] as const, ...Object.entries(labels)].sort(byBytes),
    ),
  samples: fc.array(
    fc.record({
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
      timestamp: fc.nat(NOW_MS),
    }),
    { maxLength: 3 },
  ),
})

it('both versions make the same of whatever series, known or not', () => {
  const decoder = decoderOf(cacheOf(20_000))
  fc.assert(
    fc.property(fc.array(anySeries, { maxLength: 8 }), (series) => {
      const expected = series.flatMap(({ labels, samples = [] }) => {
        const [name, ...rest] = [...labels].sort(([a]) => (a === '__name__' ? -1 : 1))
        return samples.map(({ value, timestamp }) => ({
          ...{ tenant: 'acme', name: name?.[1] ?? '', labels: Object.fromEntries(rest) },
          ...{ value: Object.is(value, -0) ? 0 : value, timestamp },
        }))
      })
      for (const { version, request } of VERSIONS) {
        const points = pointsOf(decode(request(series), version, decoder))
        expect(
          points.map(({ tenant, name, labels, value, timestamp }) => ({
            tenant,
            name,
            labels,
            value: value === 0 ? 0 : value,
            timestamp,
          })),
        ).toEqual(expected)
        for (const point of points) expect(point.key).toBe(keyOf(point))
      }
    }),
    { seed: SEED, numRuns: 200 },
  )
})

it('bytes that were changed are read as something else or refused, and nothing else is thrown', () => {
  const body = request2([
    {
      ...up,
      type: 1,
      unit: 'seconds',
      histograms: [
        {
          count_int: 3,
          sum: 1,
          positive_spans: [{ offset: 1, length: 2 }],
          positive_deltas: [1, 1],
          timestamp: NOW_MS,
        },
      ],
    },
    up,
  ])
  const body1 = request1([
    up,
    {
      ...up,
      histograms: [
        {
          count_int: 3,
          sum: 1,
          positive_spans: [{ offset: 1, length: 2 }],
          positive_deltas: [1, 1],
          timestamp: NOW_MS,
        },
      ],
    },
  ])
  const decoder = decoderOf()
  fc.assert(
    fc.property(
      fc.constantFrom(['1.0', body1] as const, ['2.0', body] as const),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      ([version, original], changes) => {
        const changed = Buffer.from(original)
        for (const [at, byte] of changes) changed[at % changed.length] = byte
        try {
          pointsOf(decode(changed, version, decoder))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError)
        }
      },
    ),
    { seed: SEED, numRuns: 3_000 },
  )
})

it('takes labels that stand behind the samples, and in several places', () => {
  const [sample, ...labels] = [
    Buffer.from([0x12, 0x0b, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0x05]),
    Buffer.from('\x0a\x0d\x0a\x08__name__\x12\x01x'),
    Buffer.from('\x0a\x06\x0a\x01a\x12\x01b'),
  ]
  const series = Buffer.concat([labels[0], sample, labels[1]])
  const points = decode(Buffer.concat([Buffer.from([0x0a, series.length]), series]), '1.0')
  expect(pointsOf(points)).toMatchObject([
    { name: 'x', labels: { a: 'b' }, timestamp: 5, value: 1 },
  ])
})

it.each([
  {
    title: 'text of a label that is not UTF-8',
    from: 'prometheus',
    to: 'prome\xffheus',
    reason: /value of label "job" is not UTF-8/,
  },
  {
    title: 'a name that is not UTF-8',
    from: 'instance',
    to: 'inst\xffnce',
    reason: /name of a label is not UTF-8/,
  },
])('refuses $title', ({ from, to, reason }) => {
  const body = Buffer.from(request1([up]).toString('latin1').replace(from, to), 'latin1')
  const points = decode(body, '1.0')
  expect([points.count, points.reasons[0]]).toEqual([0, expect.stringMatching(reason)])
})

describe('what only one version has', () => {
  it.each([
    { title: 'a request of 2.0 that is called 1.0', body: request2([up]), version: '1.0' },
    { title: 'a request of 1.0 that is called 2.0', body: request1([up]), version: '2.0' },
    { title: '2.0 without symbols', body: Buffer.from([0x2a, 0]), version: '2.0' },
    {
      title: 'a first symbol that is not empty',
      body: Buffer.from([0x22, 1, 0x61, 0x2a, 0]),
      version: '2.0',
    },
  ] as const)('refuses $title', ({ body, version }) => {
    expect(() => decode(body, version)).toThrow(ProtobufError)
  })

  it.each([
    { title: 'an odd number of references', series: [0x0a, 1, 0], reason: /odd number/ },
    {
      title: 'a reference to no symbol',
      series: [0x0a, 2, 0, 9],
      reason: /reference to symbol 9, there are 1/,
    },
    {
      title: 'a unit that is no symbol',
      series: [0x2a, 2, 0x20, 7],
      reason: /reference to symbol 7/,
    },
  ])('refuses a series with $title', ({ series, reason }) => {
    const body = Buffer.from([0x22, 0, 0x2a, series.length + 2, ...series, 0x12, 0])
    const points = decode(body, '2.0')
    expect(points.tally).toMatchObject({ samples: 1, refusedSamples: 1 })
    expect(points.reasons[0]).toMatch(reason)
  })

  it('does not put together 30 kB of labels for every few bytes', () => {
    const text = (value: string) => {
      const { length } = value
      const size = [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
      return Buffer.concat([Buffer.from([0x22, ...size]), Buffer.from(value)])
    }
    const series = Buffer.from([0x2a, 10, 0x0a, 4, 1, 2, 3, 4, 0x12, 2, 0x10, 9])
    const symbols = ['', '__name__', 'm', 'a', 'x'.repeat(30_000)].map(text)
    symbols[0] = Buffer.from([0x22, 0])
    const body = Buffer.concat([...symbols, Buffer.alloc(series.length * 50_000, series)])
    expect(() => decode(body, '2.0')).toThrow(/labels of its series take more than/)
  })

  it('references may stand one by one', () => {
    const text = (tag: number, value: string) => [tag, value.length, ...Buffer.from(value)]
    const series = [0x08, 1, 0x08, 2, 0x12, 2, 0x10, 9]
    const body = Buffer.from([
      0x22,
      0,
      ...text(0x22, '__name__'),
      ...text(0x22, 'x'),
      0x2a,
      series.length,
      ...series,
    ])
    expect(pointsOf(decode(body, '2.0'))).toMatchObject([
      { name: 'x', labels: {}, timestamp: 9, value: 0 },
    ])
  })

  it.each([
    { name: 'a_seconds', type: 2, unit: 'seconds', seen: { unit: 's', kind: 'gauge' } },
    { name: 'a_bytes_total', type: 1, unit: 'bytes', seen: { unit: 'By', kind: 'counter' } },
    { name: 'a_sum', type: 3, unit: 'seconds', seen: { unit: 's', kind: 'counter' } },
    { name: 'a_count', type: 3, unit: 'seconds', seen: { unit: null, kind: 'counter' } },
    { name: 'a_count', type: 5, unit: 'seconds', seen: { unit: null, kind: 'counter' } },
    { name: 'a', type: 5, unit: 'bushels', seen: { unit: 'bushels', kind: 'gauge' } },
    { name: 'a', type: 0, unit: '', seen: { unit: null, kind: 'unspecified' } },
  ])(
    'says what metadata says: $name, type $type, $unit',
    ({ name, type, unit, seen: expected }) => {
      const body = request2([{ ...up, labels: [['__name__', name]], type, unit }])
      expect(pointsOf(decode(body, '2.0'))).toMatchObject([expected])
    },
  )
})

describe('native histograms of 60 bytes that are fifty points each', () => {
  const histogram = {
    ...{ count_int: 48, sum: 1, timestamp: NOW_MS },
    ...{ positive_spans: [{ length: 48 }], positive_deltas: [1, ...new Array<number>(47).fill(0)] },
  }
  const requestOf = (label: string, count: number) =>
    request1([
      {
        labels: [
          ['__name__', 'h'],
          ['a', label],
        ],
        histograms: new Array<typeof histogram>(count).fill(histogram),
      },
    ])

  it('are refused where they come to more than a request may', () => {
    expect(() => decode(requestOf('x'.repeat(4_000), 1_000), '1.0')).toThrow(BadInput)
  })

  it('are looked up once where their series cannot be', () => {
    let asked = 0
    const cache = new SeriesCache({
      format,
      limitBytes: 1e6,
      admitSeries: () => {
        asked += 1
        return { reason: 'too many' }
      },
    })
    const { tally } = decode(requestOf('x', 1_000), '1.0', decoderOf(cache))
    expect([tally.refusedHistograms, asked]).toEqual([1_000, 1])
  })
})

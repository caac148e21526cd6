import { expect, it } from 'vitest'
import { RemoteWriteDecoder } from './remote-write.ts'
import { SeriesCache, type AdmitSeries } from './series-cache.ts'
import { request1, type SentSeries } from './testing/messages.ts'
import { format, pointsOf } from './testing/points.ts'

const seriesOf = (id: number): SentSeries => ({
  labels: [
    ['__name__', 'x'],
    ['id', String(id)],
  ],
  samples: [{ value: id, timestamp: id }],
})
const bodyOf = (ids: readonly number[]): Buffer => request1(ids.map(seriesOf))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, id) => id)

const setUp = (limitBytes: number, admitSeries: AdmitSeries = () => undefined) => {
  const asked: string[] = []
  const cache = new SeriesCache({
    ...{ format, limitBytes },
    admitSeries: (series) => {
      asked.push(series.key)
      return admitSeries(series)
    },
  })
  const decoder = new RemoteWriteDecoder(cache)
  const send = (tenant: string, ids: readonly number[], hour = 0) =>
    decoder.decode({
      ...{ tenant, version: '1.0', body: bodyOf(ids) },
      receivedAtMs: (hour + 0.5) * 3_600_000,
    })
  return { asked, cache, send }
}

it('asks for a series once, in whatever order it comes again', () => {
  const { asked, cache, send } = setUp(1e6)
  send('a', upTo(100))
  const points = send('a', upTo(100).reverse())
  expect(pointsOf(points).map(({ value }) => value)).toEqual(upTo(100).reverse())
  expect(pointsOf(points).every(({ labels, value }) => labels.id === String(value))).toBe(true)
  expect([asked.length, cache.count]).toEqual([100, 100])
})

it('keeps tenants apart', () => {
  const { asked, send } = setUp(1e6)
  for (const tenant of ['a', 'b', 'a', 'b']) {
    for (const point of pointsOf(send(tenant, [1, 2]))) {
      expect([point.tenant, point.key.split('\u001f')[0]]).toEqual([tenant, tenant])
    }
  }
  expect(asked).toHaveLength(4)
})

it('stays below its bound and right: the largest tenant starts over', () => {
  const { asked, cache, send } = setUp(100_000)
  send('small', [1])
  for (let round = 0; round < 3; round++) {
    const points = pointsOf(send('large', upTo(1_000)))
    expect(
      points.every(
        ({ tenant, labels, value }) => tenant === 'large' && labels.id === String(value),
      ),
    ).toBe(true)
    expect(cache.heldBytes).toBeLessThanOrEqual(100_000)
    expect(cache.heldBytes).toBeGreaterThan(20_000)
  }
  const before = asked.length
  expect(pointsOf(send('small', [1]))).toHaveLength(1)
  expect(asked.length).toBe(before)
})

it('refuses what is not admitted, asks again the next time, and takes the rest', () => {
  let room = false
  const { asked, send } = setUp(1e6, ({ key }) =>
    room || !key.endsWith('=2') ? undefined : { reason: 'too many series' },
  )
  const points = send('a', [1, 2, 3])
  expect(pointsOf(points).map(({ value }) => value)).toEqual([1, 3])
  expect([points.tally.refusedSamples, points.reasons]).toEqual([1, ['too many series']])
  room = true
  expect(send('a', [1, 2, 3]).count).toBe(3)
  expect(asked).toHaveLength(4)
})

it('asks for a series again in each hour in which it has points, and takes none that is refused then', () => {
  let room = true
  const { asked, send } = setUp(1e6, () => (room ? undefined : { reason: 'too many series' }))
  send('a', [1, 2])
  send('a', [1, 2])
  expect(asked).toHaveLength(2)
  expect(send('a', [1], 1).count).toBe(1)
  expect(send('a', [1], 1).count).toBe(1)
  expect(asked.map((key) => key.at(-1))).toEqual(['1', '2', '1'])
  room = false
  const refused = send('a', [1, 2], 2)
  expect([refused.count, refused.tally.refusedSamples, refused.reasons]).toEqual([
    ...[0, 2],
    ['too many series'],
  ])
  room = true
  expect(send('a', [1, 2], 2).count).toBe(2)
})

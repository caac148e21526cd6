import { expect, it } from 'vitest'
import { firstView, formatAddress, parseAddress, stretchOf } from './address.js'
import { spanOf, tickLabels, toColumns } from './chart-data.js'
import { formatDuration, formatLabels, formatUtc, formatValue, plottable } from './format.js'
import { sparkPoints } from './spark.js'

it.each([
  { value: 0.314159, unit: '1', text: '31.4 %' },
  { value: 52, unit: '%', text: '52 %' },
  { value: 0, unit: 'By', text: '0 B' },
  { value: 1024, unit: 'By', text: '1 KiB' },
  { value: 6_442_450_944, unit: 'By', text: '6 GiB' },
  { value: 2_500_000, unit: 'By/s', text: '2.384 MiB/s' },
  { value: 600.25, unit: 'ms', text: '600.3 ms' },
  { value: 12_345, unit: null, text: '12.35 k' },
  { value: -3, unit: null, text: '-3' },
  { value: 40, unit: '1/s', text: '40/s' },
  { value: 7, unit: '{request}', text: '7' },
  { value: 7, unit: '{request}/s', text: '7/s' },
  { value: 0, unit: null, text: '0' },
  { value: null, unit: 'ms', text: '–' },
  { value: 'NaN', unit: 'ms', text: 'NaN' },
])('$value $unit reads $text', ({ value, unit, text }) => {
  expect(formatValue(value, unit)).toBe(text)
})

it('labels are sorted by key', () => {
  expect(formatLabels({ state: 'used', host: 'a' })).toBe('host=a  state=used')
})

it('times and durations', () => {
  expect(formatUtc(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02 03:04:05 UTC')
  expect([119_000, 120_000, 7_200_000, 200_000_000].map(formatDuration)).toEqual([
    '119 s',
    '2 min',
    '2 h',
    '2 d',
  ])
})

it.each([1, 'NaN', null, Infinity, undefined])('%j is drawn only when it is a number', (value) => {
  expect(plottable(value)).toBe(value === 1 ? 1 : null)
})

const series = '0123456789abcdef0123456789abcdef'

it.each([
  { title: 'the first view', view: firstView, address: '' },
  {
    title: 'a series of a replay',
    view: { ...firstView, tenant: 'replay-nab', series, range: 'all' },
    address: `#tenant=replay-nab&series=${series}&range=all`,
  },
  {
    title: 'a zoomed stretch and a search',
    view: {
      ...firstView,
      range: 'fixed',
      from: 0,
      to: 60_000,
      search: 'cpu a=b',
      show: 'open' as const,
    },
    address:
      '#from=1970-01-01T00%3A00%3A00.000Z&to=1970-01-01T00%3A01%3A00.000Z&q=cpu+a%3Db&show=open',
  },
])('the address of $title leads back to it', ({ view, address }) => {
  expect(formatAddress(view)).toBe(address)
  expect(parseAddress(address)).toEqual(view)
})

it.each(['#range=2h', '#series=x', '#from=5&to=5', '#from=a&to=b', '#show=none', '#stack'])(
  'nonsense is ignored: %s',
  (address) => {
    expect(parseAddress(address)).toEqual(firstView)
  },
)

const hour = 3_600_000
it.each([
  {
    title: 'a live series ends now',
    range: '1h',
    lastMs: 100 * hour - 5000,
    from: 99 * hour,
    to: 100 * hour,
  },
  {
    title: 'an ended one with its last point',
    range: '1h',
    lastMs: 10 * hour,
    from: 9 * hour + 1,
    to: 10 * hour + 1,
  },
  { title: 'all there is', range: 'all', lastMs: 10 * hour, from: 0, to: 10 * hour + 1 },
])('$title', ({ range, lastMs, from, to }) => {
  const life = { firstMs: 0, lastMs, nowMs: 100 * hour }
  expect(stretchOf({ ...firstView, range }, life)).toEqual({ fromMs: from, toMs: to })
})

const point = (seconds: number, value: number | string) => ({
  timestamp: new Date(seconds * 1000).toISOString(),
  value,
  min: 0,
  max: 9,
  expected: 5,
  lower: 4,
  upper: null,
})

it('a pause breaks the line, a steady distance does not', () => {
  const steady = [0, 5, 10, 15, 20].map((second) => point(second, 1))
  expect(toColumns({ items: steady, resolution: 'raw' }).data[0]).toEqual([0, 5, 10, 15, 20])
  const paused = [...steady, point(41, 2)]
  const { data, rows } = toColumns({ items: paused, resolution: 'raw' })
  expect(data[0]).toEqual([0, 5, 10, 15, 20, 25, 41])
  expect(data.at(-1)).toEqual([1, 1, 1, 1, 1, null, 2])
  expect(rows[5]).toBeNull()
})

it('raw points have no spread, NaN and an unknown band leave a gap', () => {
  const items = [point(0, 'NaN'), point(1, 3)]
  expect(toColumns({ items, resolution: 'raw' }).data).toEqual([
    [0, 1],
    [null, null],
    [4, 4],
    [null, null],
    [null, null],
    [5, 5],
    [null, 3],
  ])
  expect(toColumns({ items, resolution: '1m' }).data[3]).toEqual([9, 9])
})

it('an open episode reaches to the end of the chart', () => {
  const start = '1970-01-01T00:00:01.000Z'
  expect(spanOf({ start, end: null }, 9000)).toEqual({ fromMs: 1000, toMs: 9000 })
  expect(spanOf({ start, end: '1970-01-01T00:00:02.000Z' }, 9000).toMs).toBe(2000)
})

it('ticks are local clock times, the date where a day begins', () => {
  const at = (...parts: [number, number, number, number, number]) =>
    new Date(...parts).getTime() / 1000
  const before = at(2026, 0, 31, 23, 0)
  const midnight = at(2026, 1, 1, 0, 0)
  expect(tickLabels([before, midnight], 3600)).toEqual(['23:00', '00:00\n02-01'])
  expect(tickLabels([before], 86_400)).toEqual(['01-31'])
  expect(tickLabels([before + 5], 5)).toEqual(['23:00:05'])
})

it('a spark of a flat line stands in the middle, of nothing is empty', () => {
  expect(sparkPoints([3, 3])).toBe('2.0,10.0 70.0,10.0')
  expect(sparkPoints(['NaN'])).toBe('')
  expect(sparkPoints([0, 'NaN', 1])).toBe('2.0,18.0 70.0,2.0')
})

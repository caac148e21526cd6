import { describe, expect, it } from 'vitest'
import { parseTime, parseTimeRange } from './time-range.ts'

const noon = Date.UTC(2026, 0, 31, 12)

describe('a time', () => {
  it.each([
    { text: '2026-01-31T12:00:00Z', ms: noon },
    { text: '2026-01-31T12:00:00.250Z', ms: noon + 250 },
    { text: '2026-01-31T13:00:00+01:00', ms: noon },
    { text: '2026-01-31 12:00:00', ms: noon },
    { text: '2026-01-31T12:00', ms: noon },
    { text: '2026-01-31', ms: Date.UTC(2026, 0, 31) },
    { text: String(noon), ms: noon },
    { text: '0', ms: 0 },
    { text: '-1', ms: -1 },
  ])('$text is $ms', ({ text, ms }) => {
    expect(parseTime('from', text)).toBe(ms)
  })

  it.each(['', 'yesterday', '2026-13-01', '2026-02-30', '1e3', '12:00', 'NaN'])(
    '%j is refused, naming field and value',
    (text) => {
      expect(() => parseTime('from', text)).toThrow(
        expect.objectContaining({
          code: 'invalid-request',
          at: expect.objectContaining({ field: 'from', value: text }),
        }),
      )
    },
  )

  it.each([
    { title: 'last day of 1899', text: '1899-12-31', ok: false },
    { title: 'first day of 1900', text: '1900-01-01', ok: true },
    { title: 'last day of 2299', text: '2299-12-31', ok: true },
    { title: 'first day of 2300', text: '2300-01-01', ok: false },
    { title: 'seconds taken for milliseconds far ahead', text: '99999999999999', ok: false },
  ])('$title: accepted $ok', ({ text, ok }) => {
    const parse = () => parseTime('to', text)
    if (ok) expect(parse).not.toThrow()
    else expect(parse).toThrow('between the years 1900 and 2299')
  })
})

it.each([
  { title: 'both ends left out', query: {}, range: { fromMs: undefined, toMs: undefined } },
  { title: 'only a begin', query: { from: '5' }, range: { fromMs: 5, toMs: undefined } },
  { title: 'the shortest stretch', query: { from: '5', to: '6' }, range: { fromMs: 5, toMs: 6 } },
])('a range with $title', ({ query, range }) => {
  expect(parseTimeRange(query)).toEqual(range)
})

it.each([
  { from: '5', to: '5' },
  { from: '6', to: '5' },
])('[$from, $to) is refused', (query) => {
  expect(() => parseTimeRange(query)).toThrow('to must be later than from')
})

import { expect, it } from 'vitest'
import { parseTimestamp } from './timestamp.ts'

const may = Date.UTC(2014, 4, 14, 1, 14, 0)

it.each([
  { text: '2014-05-14 01:14:00', time: may },
  { text: '2014-05-14T01:14:00', time: may },
  { text: '2014-05-14T01:14:00Z', time: may },
  { text: '2014-05-14 01:14:00 UTC', time: may },
  { text: '2014-05-14T03:14:00+02:00', time: may },
  { text: '2014-05-13T23:14:00-0200', time: may },
  { text: ' 2014-05-14 01:14 ', time: may },
  { text: '2014-05-14 01:14:00.123456', time: may + 123 },
  { text: '2014-05-14 01:14:00.5', time: may + 500 },
  { text: '2014-05-14', time: Date.UTC(2014, 4, 14) },
  { text: '2016-02-29', time: Date.UTC(2016, 1, 29) },
  { text: String(may / 1000), time: may },
  { text: `${String(may / 1000)}.25`, time: may + 250 },
  { text: String(may), time: may },
  { text: `${String(may)}000`, time: may },
  { text: `${String(may)}000000`, time: may },
  { text: '0', time: 0 },
])('reads $text', ({ text, time }) => {
  expect(parseTimestamp(text)).toBe(time)
})

it.each([
  '',
  'yesterday',
  'timestamp',
  '2014-02-30',
  '2015-02-29 00:00:00',
  '2014-13-01',
  '2014-05-14 24:00:00',
  '2014-05-14 01:60:00',
  '1969-12-31 23:59:59',
  '1970-01-01T00:30:00+01:00',
  '-5',
  '1e9',
  'NaN',
  'Infinity',
])('refuses %j', (text) => {
  expect(parseTimestamp(text)).toBeUndefined()
})

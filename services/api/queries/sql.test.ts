import { expect, it } from 'vitest'
import { toJsonNumber } from './numbers.ts'
import { conditions, equals, within } from './sql.ts'

it('joins what was asked for and leaves out what was not', () => {
  expect(conditions(equals('tenant', 'a'), undefined, equals('name', "x' OR 1=1"))).toEqual({
    sql: '(tenant = {tenant:String}) AND (name = {name:String})',
    params: { tenant: 'a', name: "x' OR 1=1" },
  })
})

it('without any condition everything is meant', () => {
  expect(conditions(undefined)).toEqual({ sql: 'true', params: {} })
})

it.each([
  { range: { fromMs: undefined, toMs: undefined }, sql: 'true', params: {} },
  { range: { fromMs: 0, toMs: undefined }, sql: 'time >= FROM', params: { from_ms: 0 } },
  {
    range: { fromMs: 1, toMs: 2 },
    sql: 'time >= FROM AND time < TO',
    params: { from_ms: 1, to_ms: 2 },
  },
])('a stretch of time is half open: $sql', ({ range, sql, params }) => {
  const built = conditions(within('time', range))
  const readable = built.sql
    .replace("fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')", 'FROM')
    .replace("fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')", 'TO')
  expect(readable.replace(/^\((.*)\)$/, '$1')).toBe(sql)
  expect(built.params).toEqual(params)
})

it.each([
  { stored: 1.5, json: 1.5 },
  { stored: 'nan', json: 'NaN' },
  { stored: '-nan', json: 'NaN' },
  { stored: 'inf', json: 'Infinity' },
  { stored: '-inf', json: '-Infinity' },
])('$stored is written as $json', ({ stored, json }) => {
  expect(toJsonNumber(stored)).toBe(json)
})

import { describe, expect, it } from 'vitest'
import {
  createRecordDecoder,
  jsonFormOf,
  WIRE_HEADER_BYTES,
} from '../../pipelines/runtime/avro/index.ts'
import { telemetryCosts, signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import { ValueReader } from '../records/value-reader.ts'
import { frameOf } from './framing.ts'
import { LineEncoder } from './line-encoder.ts'

const point = {
  timestamp: 1_760_000_000_000,
  value: 4.5,
  tenant: 't',
  name: 'cpu',
  labels: { host: 'a' },
}
const metrics = () =>
  new LineEncoder({ schema: telemetryMetrics.schema, schemaId: 3, topic: telemetryMetrics })

const decode = (schema: typeof telemetryMetrics.schema, bytes: Buffer) =>
  jsonFormOf(
    createRecordDecoder({ writerSchema: schema }).decode(bytes, WIRE_HEADER_BYTES, bytes.length),
  )

const cost = {
  chargePeriodStart: 0,
  chargePeriodEnd: 3_600_000,
  id: '0'.repeat(32),
  tenant: 't',
  billingAccountId: '17',
  serviceName: 'EC2',
  provider: 'AWS',
  billingPeriodStart: 0,
  billingPeriodEnd: 2_678_400_000,
  currency: 'USD',
  billedCost: '0.10',
  effectiveCost: '-12345678901234567890.000000000001',
  source: 'mine',
  export: 'mine',
  asOf: 0,
  sourceId: '1',
}

describe('a decimal', () => {
  const costs = () =>
    new LineEncoder({ schema: telemetryCosts.schema, schemaId: 3, topic: telemetryCosts })

  it('is text on the way in and on the way out, to the last digit', () => {
    const line = costs().encode(JSON.stringify({ ...cost, listCost: null }))
    expect(line?.key).toBe('t\u001f17\u001fEC2')
    const reader = new ValueReader({
      schemaOf: () => telemetryCosts.schema,
      lookUp: () => Promise.resolve(telemetryCosts.schema),
    })
    expect(line && reader.read(line.value)).toMatchObject({
      value: { ...cost, billedCost: '0.1', listCost: null, pricingQuantity: null },
    })
  })

  it.each([
    { amount: 0.1, reason: `line 1: field 'billedCost' must be a decimal number as text` },
    { amount: '1,50', reason: `line 1: field 'billedCost': '1,50' is not a decimal number` },
  ])('is refused as $amount', ({ amount, reason }) => {
    expect(() => costs().encode(JSON.stringify({ ...cost, billedCost: amount }))).toThrow(reason)
  })
})

describe('a JSON line', () => {
  it('becomes a value under its canonical key, with defaults', () => {
    const line = metrics().encode(JSON.stringify(point))
    expect(line?.key).toBe('t\u001fcpu\u001fhost=a')
    expect(line?.value.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 3]))
    expect(line && decode(telemetryMetrics.schema, line.value)).toEqual({
      ...point,
      unit: null,
      kind: 'unspecified',
    })
  })

  it('is refused where no broker would take it', () => {
    const large = { ...point, unit: 'x'.repeat(5_000_000) }
    expect(() => metrics().encode(JSON.stringify(large))).toThrow(
      /^line 1: takes 5000\d{3} bytes as a record, the limit is 1000000;/,
    )
  })

  it('says bytes in base64', () => {
    const rollup = {
      windowStart: 0,
      windowEnd: 60_000,
      tenant: 't',
      series: 's',
      name: 'cpu',
      labels: {},
      count: 1,
      sum: 1,
      min: 1,
      max: 1,
      mean: 1,
      sketch: 'AQID',
    }
    const encoder = new LineEncoder({
      schema: signalsRollups.schema,
      schemaId: 1,
      topic: undefined,
    })
    const line = encoder.encode(JSON.stringify(rollup))
    expect(line?.key).toBeUndefined()
    expect(line && decode(signalsRollups.schema, line.value)).toMatchObject({ sketch: 'AQID' })
    expect(() => encoder.encode(JSON.stringify({ ...rollup, sketch: 'not base64' }))).toThrow(
      'line 2: field \'sketch\' must be bytes, but is "not base64"',
    )
  })

  it('may be empty', () => {
    expect(metrics().encode(' ')).toBeUndefined()
  })

  it.each([
    { title: 'not JSON', text: '{', message: 'line 2: not JSON' },
    {
      title: 'not an object',
      text: '[1]',
      message: 'line 2: not an object with the fields of millrace.MetricPoint',
    },
    {
      title: 'a wrong type',
      change: { timestamp: 'now' },
      message: `field 'timestamp' must be long, but is "now"`,
    },
    {
      title: 'a wrong label',
      change: { labels: { host: 1 } },
      message: `field 'labels.host' must be string, but is 1`,
    },
    {
      title: 'a missing field',
      change: { name: undefined },
      message: `field 'name' must be string, but is missing`,
    },
    {
      title: 'a misspelt field',
      change: { lables: {} },
      message: `has no field 'lables'; it has timestamp, value`,
    },
    {
      title: 'no number',
      change: { value: 'NaN' },
      message: `field 'value' must be a finite number, but is NaN`,
    },
    {
      title: 'a key that cannot be',
      change: { tenant: '' },
      message: 'no record key can be made: tenant is empty',
    },
  ])('that is $title is refused with its number and the field', ({ text, change, message }) => {
    const encoder = metrics()
    encoder.encode('')
    const bad = text ?? JSON.stringify({ ...point, ...change })
    expect(() => encoder.encode(bad)).toThrow(message)
  })
})

describe('framing', () => {
  const line = { key: 'a\u001fb', value: Buffer.from([0, 1, 0xff]) }
  it.each([
    { title: 'base64', withKey: false, framing: { kind: 'base64' }, bytes: 'AAH/\n' },
    {
      title: 'base64 with key',
      withKey: true,
      framing: { kind: 'base64' },
      bytes: 'a\u001fb\tAAH/\n',
    },
    {
      title: 'lengths',
      withKey: true,
      framing: { kind: 'length-prefixed' },
      bytes: Buffer.from([0, 0, 0, 3, 97, 0x1f, 98, 0, 0, 0, 3, 0, 1, 0xff]),
    },
    {
      title: 'delimiters',
      withKey: true,
      framing: { kind: 'delimited', delimiter: ';', keyDelimiter: ':' },
      bytes: Buffer.concat([Buffer.from('a\u001fb:'), line.value, Buffer.from(';')]),
    },
  ] as const)('by $title', ({ withKey, framing, bytes }) => {
    expect(frameOf(line, { framing, withKey })).toEqual(Buffer.from(bytes))
  })

  it('refuses what readers would cut in the wrong place', () => {
    const delimited = { kind: 'delimited', delimiter: '\u0001', keyDelimiter: ':' } as const
    expect(() => frameOf(line, { framing: delimited, withKey: false })).toThrow(
      'choose another --delimiter',
    )
    const tab = { key: 'a\tb', value: line.value }
    expect(() => frameOf(tab, { framing: { kind: 'base64' }, withKey: true })).toThrow('use --raw')
    const unknown = { key: undefined, value: line.value }
    expect(() => frameOf(unknown, { framing: { kind: 'base64' }, withKey: true })).toThrow(
      '--with-key',
    )
  })
})

import { describe, expect, it } from 'vitest'
import { recordTypeOf } from '../../pipelines/runtime/avro/index.ts'
import { telemetryMetrics } from '../../schemas/topics.ts'
import { offsetSpecOf } from './from.ts'
import { recordLineOf, type StoredRecord } from './record-line.ts'
import type { ReadValue } from './value-reader.ts'
import { assertFieldsExist, compileWhere } from './where.ts'

const record: StoredRecord = {
  partition: 2,
  offset: 17,
  appendTimeMs: 2000,
  key: Buffer.from('t\u001fcpu'),
  value: Buffer.from([0, 1, 2]),
  headers: [],
}
const read: ReadValue = {
  kind: 'decoded',
  type: recordTypeOf(telemetryMetrics.schema),
  value: {
    timestamp: 1000,
    value: 40,
    tenant: 't',
    name: 'cpu',
    labels: { host: 'a' },
    unit: null,
  },
}

describe('the line of a record', () => {
  it('has the event time and the decoded value', () => {
    expect(recordLineOf('telemetry.metrics', record, read)).toEqual({
      partition: 2,
      offset: 17,
      timestamp: 1000,
      key: 't\u001fcpu',
      value: read.value,
      appendTime: 2000,
    })
  })

  it('has bytes in base64 and the append time where there is no schema', () => {
    const headers = [
      { key: 'millrace-reason', value: Buffer.from('invalid-key') },
      { key: 'raw', value: Buffer.from([0xff]) },
    ]
    expect(
      recordLineOf('x.dead-letter', { ...record, key: Buffer.from([0xff]), headers }, undefined),
    ).toEqual({
      partition: 2,
      offset: 17,
      timestamp: 2000,
      key: '/w==',
      keyEncoding: 'base64',
      value: 'AAEC',
      encoding: 'base64',
      appendTime: 2000,
      headers: { 'millrace-reason': 'invalid-key', raw: '/w==' },
    })
  })

  it('shows a tombstone as null', () => {
    const line = recordLineOf('signals.baselines', { ...record, value: null, key: null }, undefined)
    expect(line).toEqual({
      partition: 2,
      offset: 17,
      timestamp: 2000,
      key: null,
      value: null,
      appendTime: 2000,
    })
  })
})

describe('--where', () => {
  const line = recordLineOf('telemetry.metrics', record, read)
  it.each([
    { expression: 'partition == 2 && offset > 16', verdict: 'match' },
    { expression: 'value.value > 39.5', verdict: 'match' },
    { expression: 'value.value * 2.0 == 80.0', verdict: 'match' }, // 40 stays a double
    { expression: 'value.timestamp + 1 == 1001 && timestamp == 1000', verdict: 'match' },
    { expression: 'value.labels.host == "a" && value.unit == null', verdict: 'match' },
    { expression: 'key.startsWith("t")', verdict: 'match' },
    { expression: 'value.name == "mem"', verdict: 'no-match' },
    { expression: 'has(value.missing)', verdict: 'no-match' },
    { expression: 'value.missing == 1', verdict: 'unclear' },
  ])('$expression: $verdict', ({ expression, verdict }) => {
    expect(compileWhere(expression)(line, read)).toBe(verdict)
  })

  it.each(['partition ==', 'parttion == 1', 'partition + 1', 'partition == "a"'])(
    'refuses %s',
    (expression) => {
      expect(() => compileWhere(expression)).toThrow(expect.objectContaining({ exitCode: 2 }))
    },
  )
})

describe('fields that --where asks for', () => {
  const check = (expression: string) => () => {
    assertFieldsExist(expression, telemetryMetrics.schema)
  }

  it.each([
    'value.value > 1.0 && value.labels.whatever == "x"',
    'has(value.newer) && value.newer == 1',
    'key == "a"',
    'value["any"] == 1',
  ])('%s is fine', (expression) => {
    expect(check(expression)).not.toThrow()
  })

  it.each(['value.typo == 1', 'partition == 1 || !(value.typo in [1, 2])', 'value.typo.x == 1'])(
    '%s is refused with the fields there are',
    (expression) => {
      expect(check(expression)).toThrow(
        expect.objectContaining({
          exitCode: 2,
          message: expect.stringMatching(
            /asks for value\.typo, .* they have timestamp, value, tenant, name, labels, unit, kind\.$/,
          ) as string,
        }),
      )
    },
  )
})

describe('--from', () => {
  it.each([
    { from: 'beginning', spec: 'earliest' },
    { from: 'latest', spec: 'latest-committed' },
    { from: '2026-01-31', spec: { timestampMs: Date.UTC(2026, 0, 31) } },
    { from: '2026-01-31T12:00Z', spec: { timestampMs: Date.UTC(2026, 0, 31, 12) } },
    { from: '2026-01-31T12:00:00.5', spec: { timestampMs: Date.UTC(2026, 0, 31, 12, 0, 0, 500) } },
    { from: '2026-01-31T12:00:00+02:00', spec: { timestampMs: Date.UTC(2026, 0, 31, 10) } },
  ])('$from', ({ from, spec }) => {
    expect(offsetSpecOf(from)).toEqual(spec)
  })

  it.each(['', 'yesterday', '5', '2026-13-01', '2026-01-31 12:00'])('refuses "%s"', (from) => {
    expect(() => offsetSpecOf(from)).toThrow(expect.objectContaining({ exitCode: 2 }))
  })
})

import { describe, expect, it } from 'vitest'
import {
  cloudEventBatch,
  cloudEventOfAttributes,
  cloudEventOfEnvelope,
  deploymentOf,
  MAX_BATCH,
} from './cloudevents.ts'
import { cdEvent04, cdEvent05 } from './testing/hooks.ts'

const arrival = { tenant: 'default', receivedAtMs: Date.UTC(2026, 2, 1, 12, 1) }
const { type } = cdEvent05.context
const attributes: Readonly<Record<string, string>> = {
  specversion: '1.0',
  id: '1',
  source: '/ci',
  type,
}
const binary = (change: Readonly<Record<string, string>>, data: unknown = cdEvent05) =>
  deploymentOf(
    () => cloudEventOfAttributes((name) => ({ ...attributes, ...change })[name], data),
    arrival,
  )
const structured = (change: object) =>
  deploymentOf(() => cloudEventOfEnvelope({ ...attributes, data: cdEvent05, ...change }), arrival)
const base64 = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64')

describe('one event in all its forms is the same record', () => {
  const record = binary({})

  it.each([
    { title: 'structured', event: structured({}) },
    { title: 'in base64', event: structured({ data: undefined, data_base64: base64(cdEvent05) }) },
    {
      title: 'in a batch',
      event: cloudEventBatch([{ ...attributes, data: cdEvent05 }], arrival)[0],
    },
    { title: 'of CloudEvents 0.3', event: binary({ specversion: '0.3' }) },
    { title: 'with another id around it', event: binary({ id: '2' }) },
  ])('$title', ({ event }) => {
    expect(record.kind).toBe('mapped')
    expect(event).toEqual(record)
  })
})

it.each(['com.example.any', 'dev.cdevents.testcaserun.finished.0.2.0'])(
  'passes over %s',
  (other) => {
    const data = { ...cdEvent04, context: { ...cdEvent04.context, type: other } }
    expect(binary({ type: other }, data)).toMatchObject({ kind: 'ignored' })
  },
)

it('passes over events of others whatever is in them', () => {
  expect(binary({ type: 'com.example.any' }, 7)).toMatchObject({ kind: 'ignored' })
})

it.each([
  { title: 'another version', event: binary({ specversion: '2.0' }), field: 'ce.specversion' },
  { title: 'no id', event: binary({ id: '' }), field: 'ce.id' },
  { title: 'no source', event: structured({ source: null }), field: 'source' },
  { title: 'no type', event: structured({ type: 1 }), field: 'type' },
  { title: 'no data', event: structured({ data: undefined }), field: 'data' },
  { title: 'data that is text', event: structured({ data: 'x' }), field: 'data' },
  { title: 'no base64', event: structured({ data_base64: '%' }), field: 'data_base64' },
  {
    title: 'an event in the data that is none',
    event: structured({ data: { context: {} } }),
    field: 'data.context.type',
  },
])('refuses $title and names the field', ({ event, field }) => {
  expect(event).toMatchObject({ kind: 'refused', fault: { field } })
})

it('judges each event of a batch by itself', () => {
  const events = cloudEventBatch([{ ...attributes, data: cdEvent05 }, 'x'], arrival)
  expect(events).toMatchObject([{ kind: 'mapped' }, { kind: 'refused', fault: { field: '[1]' } }])
})

it.each([{ json: {} }, { json: Array.from({ length: MAX_BATCH + 1 }) }])(
  'refuses what is no batch',
  ({ json }) => {
    expect(() => cloudEventBatch(json, arrival)).toThrow(expect.objectContaining({ field: 'body' }))
  },
)

import { describe, expect, it } from 'vitest'
import { BadInput } from '../bad-input.ts'
import {
  deploymentEvent,
  MAX_METADATA,
  MAX_METADATA_TOTAL,
  MAX_METADATA_VALUE,
  MAX_SERVICE,
  type DeploymentFacts,
} from './deployment-event.ts'

const noon = Date.UTC(2026, 2, 1, 12)
const arrival = { tenant: 'default', receivedAtMs: noon }
const facts: DeploymentFacts = {
  timestamp: noon - 1_000,
  service: 'checkout',
  status: 'succeeded',
  kind: 'deployment',
  source: 'gitlab',
  sourceId: 'shop/checkout 15',
}
const made = (changes: Partial<DeploymentFacts> = {}, tenant = 'default') =>
  deploymentEvent({ ...arrival, tenant }, { ...facts, ...changes })

it('says null for what nobody said', () => {
  expect(made({ metadata: { tier: 'production', nothing: undefined } })).toEqual({
    tenant: 'default',
    ...facts,
    environment: null,
    version: null,
    commit: null,
    ref: null,
    deployedBy: null,
    startedAt: null,
    finishedAt: null,
    plannedFrom: null,
    plannedTo: null,
    url: null,
    metadata: { tier: 'production' },
    id: made().id,
  })
})

describe('identity', () => {
  it('is 32 hex digits that outlive this version', () => {
    expect(made().id).toBe('cb8e83d6006fc0a798b4efe048dd22fe')
  })

  it.each([
    { title: 'another status text', other: made({ status: 'failed', version: 'v2' }), same: true },
    { title: 'another source id', other: made({ sourceId: 'shop/checkout 16' }), same: false },
    { title: 'another source', other: made({ source: 'github' }), same: false },
    { title: 'another tenant', other: made({}, 'shop'), same: false },
    {
      title: 'the same letters, cut elsewhere',
      other: made({ source: 'gitlabs', sourceId: 'hop/checkout 15' }),
      same: false,
    },
  ])('$title: the same $same', ({ other, same }) => {
    expect(other.id === made().id).toBe(same)
  })
})

it('takes service and environment from the address before those of the body', () => {
  const said = { ...arrival, service: 'pay', environment: 'staging' }
  const event = deploymentEvent(said, { ...facts, environment: 'production' })
  expect(event).toMatchObject({ service: 'pay', environment: 'staging' })
})

const long = (length: number) => 'x'.repeat(length)
const entries = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${String(index)}`, 'v']))
/** As many characters as there may be, with those of the names. */
const full = Object.fromEntries(
  Array.from('0123456789abcdef', (digit) => [`k${digit}`, long(MAX_METADATA_TOTAL / 16 - 2)]),
)

it.each<{ title: string; changes: Partial<DeploymentFacts> }>([
  { title: 'a minute ahead', changes: { timestamp: noon + 60_000 } },
  { title: '1970', changes: { timestamp: 0 } },
  { title: 'the longest service', changes: { service: long(MAX_SERVICE) } },
  { title: 'the most metadata', changes: { metadata: entries(MAX_METADATA) } },
  { title: 'the longest metadata', changes: { metadata: { k: long(MAX_METADATA_VALUE) } } },
  { title: 'the most metadata in all', changes: { metadata: full } },
  { title: 'a planned window', changes: { plannedFrom: noon, plannedTo: noon + 1 } },
  { title: 'a plan without end', changes: { plannedFrom: noon } },
])('takes $title', ({ changes }) => {
  expect(() => made(changes)).not.toThrow()
})

it.each<{ title: string; changes: Partial<DeploymentFacts>; field: string }>([
  { title: 'further ahead', changes: { timestamp: noon + 60_001 }, field: 'timestamp' },
  { title: 'before 1970', changes: { timestamp: -1 }, field: 'timestamp' },
  { title: 'no time', changes: { timestamp: Number.NaN }, field: 'timestamp' },
  { title: 'no service', changes: { service: '' }, field: 'service' },
  { title: 'a longer service', changes: { service: long(MAX_SERVICE + 1) }, field: 'service' },
  { title: 'U+001F', changes: { service: 'a\u001fb' }, field: 'service' },
  { title: 'a long version', changes: { version: long(2_049) }, field: 'version' },
  {
    title: 'too much metadata',
    changes: { metadata: entries(MAX_METADATA + 1) },
    field: 'metadata',
  },
  {
    title: 'longer metadata',
    changes: { metadata: { k: long(MAX_METADATA_VALUE + 1) } },
    field: 'metadata.k',
  },
  {
    title: 'more metadata in all',
    changes: { metadata: { ...full, k: '' } },
    field: 'metadata',
  },
  {
    title: 'a window that ends where it begins',
    changes: { plannedFrom: noon, plannedTo: noon },
    field: 'plannedTo',
  },
])('refuses $title', ({ changes, field }) => {
  expect(() => made(changes)).toThrow(expect.objectContaining({ name: BadInput.name, field }))
})

import { describe, expect, it } from 'vitest'
import { argocdEvent } from './argocd.ts'
import { argocdDeployed, SHA } from './testing/hooks.ts'

const noon = Date.UTC(2026, 2, 1, 12)
const receivedAtMs = noon + 5_000
const arrival = { tenant: 'default', receivedAtMs }
const event = (change: object = {}, said: object = {}) => {
  const result = argocdEvent({ ...argocdDeployed, ...change }, { ...arrival, ...said })
  if (result.kind !== 'mapped') throw new Error(JSON.stringify(result))
  return result.value
}

it('reads the shortest template', () => {
  expect(event()).toMatchObject({
    timestamp: noon,
    service: 'checkout-prod',
    environment: 'shop',
    version: SHA,
    commit: SHA,
    status: 'succeeded',
    kind: 'deployment',
    finishedAt: noon,
    source: 'argocd',
    sourceId: `checkout-prod shop ${SHA} Succeeded Healthy ${String(noon)}`,
    metadata: { app: 'checkout-prod', namespace: 'shop', phase: 'Succeeded', health: 'Healthy' },
  })
})

it('reads what our template says besides', () => {
  const more = {
    service: 'checkout',
    environment: 'production',
    version: 'v1.4.0',
    actor: 'ada',
    url: 'https://argocd.example/applications/checkout-prod',
    startedAt: '2026-03-01T11:59:00Z',
    targetRevision: 'main',
    project: 'shop',
    repository: 'https://git.example/shop.git',
    message: 'successfully synced',
  }
  expect(event(more)).toMatchObject({
    service: 'checkout',
    environment: 'production',
    version: 'v1.4.0',
    deployedBy: 'ada',
    url: more.url,
    ref: 'main',
    startedAt: noon - 60_000,
    metadata: { project: 'shop', repository: more.repository, message: more.message },
  })
})

it('takes service and environment from the address first', () => {
  const said = { service: 'pay', environment: 'live' }
  expect(event({ service: 'checkout', environment: 'production' }, said)).toMatchObject(said)
})

describe('status', () => {
  it.each([
    { phase: 'Succeeded', health: 'Healthy', is: 'succeeded' },
    { phase: 'Succeeded', health: undefined, is: 'succeeded' },
    { phase: 'Succeeded', health: 'Progressing', is: 'running' },
    { phase: 'Succeeded', health: 'Suspended', is: 'running' },
    { phase: 'Succeeded', health: 'Degraded', is: 'failed' },
    { phase: 'Succeeded', health: 'Missing', is: 'unknown' },
    { phase: 'Running', health: 'Degraded', is: 'running' },
    { phase: 'Failed', health: 'Healthy', is: 'failed' },
    { phase: 'Error', health: 'Unknown', is: 'failed' },
    { phase: 'Terminating', health: 'Healthy', is: 'cancelled' },
    { phase: undefined, health: 'Degraded', is: 'failed' },
    { phase: 'New', health: 'Healthy', is: 'unknown' },
  ])('of $phase and $health is $is', ({ phase, health, is }) => {
    expect(event({ phase, health }).status).toBe(is)
  })
})

describe('time', () => {
  const startedAt = '2026-03-01T11:59:00Z'
  const healthAt = '2026-03-01T12:00:02Z'

  it.each([
    {
      title: 'of a sync that runs is its begin',
      change: { phase: 'Running', startedAt },
      ms: noon - 60_000,
    },
    {
      title: 'of health that went bad is when it did',
      change: { health: 'Degraded', healthAt },
      ms: noon + 2_000,
    },
    {
      title: 'of health that went bad is the arrival when nobody says',
      change: { health: 'Degraded' },
      ms: receivedAtMs,
    },
    {
      title: 'is the arrival when the template has a hole',
      change: { phase: 'Running', finishedAt: '<no value>', startedAt: '<no value>' },
      ms: receivedAtMs,
    },
  ])('$title', ({ change, ms }) => {
    expect(event(change).timestamp).toBe(ms)
  })
})

it('tells the same again by its content, whenever it comes', () => {
  const again = event({ health: 'Degraded' }, { receivedAtMs: receivedAtMs + 60_000 })
  expect(again.id).toBe(event({ health: 'Degraded' }).id)
  expect(event({ revision: 'b' }).id).not.toBe(event().id)
})

it.each([
  { title: 'no object', json: 'x', field: 'body' },
  { title: 'no application', json: { phase: 'Running' }, field: 'app' },
  { title: 'an application with a hole for a name', json: { app: '<no value>' }, field: 'app' },
  { title: 'neither phase nor health', json: { app: 'a' }, field: 'phase' },
  { title: 'a phase of another type', json: { app: 'a', phase: {} }, field: 'phase' },
  {
    title: 'a time that is none',
    json: { ...argocdDeployed, finishedAt: 'soon' },
    field: 'finishedAt',
  },
])('refuses $title and names the field', ({ json, field }) => {
  expect(argocdEvent(json, arrival)).toMatchObject({ kind: 'refused', fault: { field } })
})

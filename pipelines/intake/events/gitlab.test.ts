import { describe, expect, it } from 'vitest'
import { gitlabEvent } from './gitlab.ts'
import {
  gitlabDeployment,
  gitlabFeatureFlag,
  gitlabJob,
  gitlabMergeRequest,
  gitlabPipeline,
  SHA,
} from './testing/hooks.ts'

const noon = Date.UTC(2026, 2, 1, 12)
const receivedAtMs = noon + 5_000
const arrival = { tenant: 'default', receivedAtMs }
const mapped = (json: unknown, said: object = {}, deliveryId?: string) =>
  gitlabEvent(json, { ...arrival, ...said }, { deliveryId })
const event = (json: unknown, said: object = {}) => {
  const result = mapped(json, said)
  if (result.kind !== 'mapped') throw new Error(JSON.stringify(result))
  return result.value
}

describe('a deployment', () => {
  it('is read whole', () => {
    expect(event(gitlabDeployment)).toMatchObject({
      timestamp: noon,
      tenant: 'default',
      service: 'checkout',
      environment: 'production',
      version: SHA,
      status: 'succeeded',
      kind: 'deployment',
      commit: SHA,
      ref: 'main',
      deployedBy: 'ada',
      startedAt: null,
      finishedAt: noon,
      url: 'https://gitlab.example/shop/checkout/-/jobs/796',
      source: 'gitlab',
      sourceId:
        'https://gitlab.example/shop/checkout deployment 15 success 2026-03-01 14:00:00 +0200',
      metadata: {
        project: 'shop/checkout',
        deployment: '15',
        job: '796',
        environment_tier: 'production',
        environment_slug: 'production',
        environment_url: 'https://checkout.example',
        commit_title: 'Take cards again',
      },
    })
  })

  it.each([
    { status: 'created', is: 'pending' },
    { status: 'blocked', is: 'pending' },
    { status: 'running', is: 'running' },
    { status: 'success', is: 'succeeded' },
    { status: 'failed', is: 'failed' },
    { status: 'canceled', is: 'cancelled' },
    { status: 'skipped', is: 'cancelled' },
    { status: 'something new', is: 'unknown' },
    { status: 'constructor', is: 'unknown' },
  ])('$status is $is', ({ status, is }) => {
    expect(event({ ...gitlabDeployment, status }).status).toBe(is)
  })

  it('that runs has begun, one that waits has not', () => {
    const at = (status: string) => event({ ...gitlabDeployment, status })
    expect(at('running')).toMatchObject({ startedAt: noon, finishedAt: null })
    expect(at('created')).toMatchObject({ startedAt: null, finishedAt: null })
  })

  it.each([
    { text: '2021-04-28 21:50:00 +0200', ms: Date.UTC(2021, 3, 28, 19, 50) },
    { text: '2021-04-28 21:50:00 UTC', ms: Date.UTC(2021, 3, 28, 21, 50) },
    { text: '2021-04-28T21:50:00.123Z', ms: Date.UTC(2021, 3, 28, 21, 50, 0, 123) },
  ])('has its time as $text', ({ text, ms }) => {
    const { timestamp, metadata } = event({ ...gitlabDeployment, status_changed_at: text })
    expect(timestamp).toBe(ms)
    expect(metadata).not.toHaveProperty('time_unreadable')
  })

  it.each([
    '28 avril 2021 21h50 +0200',
    '28/04/2021 21:50',
    '2021-04-28 21:50:00 CEST',
    '2021-13-28',
  ])('counts from its arrival when its time is %s', (text) => {
    const { timestamp, metadata } = event({ ...gitlabDeployment, status_changed_at: text })
    expect(timestamp).toBe(receivedAtMs)
    expect(metadata['time_unreadable']).toBe(text)
    const later = { receivedAtMs: receivedAtMs + 60_000 }
    const again = event({ ...gitlabDeployment, status_changed_at: text }, later)
    expect(again.id).toBe(event({ ...gitlabDeployment, status_changed_at: text }).id)
  })

  it.each([
    { title: 'has all digits from the address', url: gitlabDeployment.commit_url, commit: SHA },
    { title: 'is short without address', url: null, commit: SHA.slice(0, 8) },
    {
      title: 'is not that of another address',
      url: `https://gitlab.example/-/commit/${'b'.repeat(40)}`,
      commit: SHA.slice(0, 8),
    },
  ])('its commit $title', ({ url, commit }) => {
    expect(event({ ...gitlabDeployment, commit_url: url }).commit).toBe(commit)
  })

  it('by the API has no job', () => {
    const byApi = { ...gitlabDeployment, deployable_id: null, deployable_url: null }
    expect(event(byApi).url).toBe(gitlabDeployment.commit_url)
    expect(event(byApi).metadata).not.toHaveProperty('job')
  })

  it('of a tag has the tag as version', () => {
    expect(event({ ...gitlabDeployment, ref: 'v1.4.0-rc.1' }).version).toBe('v1.4.0-rc.1')
  })
})

it('is about the service that the address names, before the project', () => {
  expect(event(gitlabDeployment, { service: 'pay', environment: 'live' })).toMatchObject({
    service: 'pay',
    environment: 'live',
  })
})

describe('identity', () => {
  it('is that of the content: the same again is the same', () => {
    expect(event(gitlabDeployment).id).toBe(event(gitlabDeployment).id)
  })

  it.each([
    { title: 'status', change: { status: 'failed' } },
    { title: 'deployment', change: { deployment_id: 16 } },
    { title: 'time', change: { status_changed_at: '2026-03-01 14:00:01 +0200' } },
    {
      title: 'instance',
      change: { project: { ...gitlabDeployment.project, web_url: 'https://other/shop/checkout' } },
    },
  ])('is another with another $title', ({ change }) => {
    expect(event({ ...gitlabDeployment, ...change }).id).not.toBe(event(gitlabDeployment).id)
  })
})

it.each([
  {
    title: 'a pipeline',
    json: gitlabPipeline,
    is: {
      kind: 'build',
      status: 'failed',
      version: 'v1.4.0',
      commit: SHA,
      timestamp: noon,
      finishedAt: noon,
      url: 'https://gitlab.example/shop/checkout/-/pipelines/31',
    },
  },
  {
    title: 'a job',
    json: gitlabJob,
    is: {
      kind: 'build',
      status: 'running',
      environment: 'production',
      startedAt: noon,
      metadata: { job_name: 'deploy', pipeline: '31', retries: '1' },
    },
  },
  {
    title: 'a merge',
    json: gitlabMergeRequest,
    is: { kind: 'merge', status: 'succeeded', commit: SHA, ref: 'main', timestamp: noon },
  },
  {
    title: 'a feature flag',
    json: gitlabFeatureFlag,
    is: {
      kind: 'flag',
      status: 'succeeded',
      timestamp: receivedAtMs,
      metadata: { flag: 'new-cards', active: 'true' },
    },
  },
])('$title is read', ({ json, is }) => {
  expect(event(json)).toMatchObject({
    service: 'checkout',
    source: 'gitlab',
    deployedBy: 'ada',
    ...is,
  })
})

it('takes the service of a merge from its labels', () => {
  const labels = [{ title: 'bug' }, { title: 'service::pay' }]
  expect(event({ ...gitlabMergeRequest, labels }).service).toBe('pay')
})

it('tells flags that were switched twice apart by the delivery', () => {
  const ids = ['a', 'a', 'b'].map((delivery) => {
    const result = mapped(gitlabFeatureFlag, {}, delivery)
    return result.kind === 'mapped' ? result.value.id : undefined
  })
  expect(ids[0]).toBe(ids[1])
  expect(ids[0]).not.toBe(ids[2])
})

it.each([
  { title: 'a push', json: { object_kind: 'push', project: {} }, reason: "'push'" },
  { title: 'a kind that is no kind', json: { object_kind: 'toString' }, reason: "'toString'" },
  {
    title: 'a merge request that was opened',
    json: {
      ...gitlabMergeRequest,
      object_attributes: { ...gitlabMergeRequest.object_attributes, action: 'open' },
    },
    reason: "'open'",
  },
])('passes over $title and says why', ({ json, reason }) => {
  expect(mapped(json)).toMatchObject({
    kind: 'ignored',
    reason: expect.stringContaining(reason) as unknown,
  })
})

it.each([
  { title: 'no object', json: [], field: 'body' },
  { title: 'no kind', json: {}, field: 'object_kind' },
  { title: 'no status', json: { ...gitlabDeployment, status: null }, field: 'status' },
  { title: 'a status of another type', json: { ...gitlabDeployment, status: 1 }, field: 'status' },
  {
    title: 'no deployment',
    json: { ...gitlabDeployment, deployment_id: {} },
    field: 'deployment_id',
  },
  { title: 'no project', json: { ...gitlabDeployment, project: 'x' }, field: 'project' },
  {
    title: 'a nameless project',
    json: { ...gitlabDeployment, project: {} },
    field: 'project.name',
  },
  {
    title: 'a time ahead of now',
    json: { ...gitlabDeployment, status_changed_at: '2026-03-02 14:00:00 +0200' },
    field: 'timestamp',
  },
  {
    title: 'a pipeline without attributes',
    json: { ...gitlabPipeline, object_attributes: null },
    field: 'object_attributes',
  },
  {
    title: 'a flag that is neither on nor off',
    json: { ...gitlabFeatureFlag, object_attributes: { id: 6, name: 'x', active: 'yes' } },
    field: 'object_attributes.active',
  },
])('refuses $title and names the field', ({ json, field }) => {
  expect(mapped(json)).toMatchObject({ kind: 'refused', fault: { field } })
})

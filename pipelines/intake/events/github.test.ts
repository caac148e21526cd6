import { describe, expect, it } from 'vitest'
import { githubEvent } from './github.ts'
import {
  githubDeployment,
  githubDeploymentStatus,
  githubPullRequest,
  githubWorkflowRun,
  SHA,
} from './testing/hooks.ts'

const noon = Date.UTC(2026, 2, 1, 12)
const arrival = { tenant: 'default', receivedAtMs: noon + 5_000 }
const event = (name: string, json: unknown, said: object = {}) => {
  const result = githubEvent(name, json, { ...arrival, ...said })
  if (result.kind !== 'mapped') throw new Error(JSON.stringify(result))
  return result.value
}
const withState = (state: string) => ({
  ...githubDeploymentStatus,
  deployment_status: { ...githubDeploymentStatus.deployment_status, state },
})
const withDeployment = (change: object) => ({
  ...githubDeploymentStatus,
  deployment: { ...githubDeploymentStatus.deployment, ...change },
})

describe('a deployment status', () => {
  it('is read whole', () => {
    expect(event('deployment_status', githubDeploymentStatus)).toMatchObject({
      timestamp: noon,
      service: 'checkout',
      environment: 'production',
      version: SHA,
      status: 'succeeded',
      kind: 'deployment',
      commit: SHA,
      ref: 'main',
      deployedBy: 'ada',
      finishedAt: noon,
      url: 'https://github.example/shop/checkout/actions/runs/9',
      source: 'github',
      sourceId: 'https://github.example/shop/checkout deployment status 4711',
      metadata: {
        repository: 'shop/checkout',
        deployment: '42',
        task: 'deploy',
        state: 'success',
        description: 'Done',
      },
    })
  })

  it.each([
    { state: 'queued', is: 'pending' },
    { state: 'pending', is: 'pending' },
    { state: 'in_progress', is: 'running' },
    { state: 'success', is: 'succeeded' },
    { state: 'failure', is: 'failed' },
    { state: 'error', is: 'failed' },
    { state: 'something new', is: 'unknown' },
  ])('$state is $is', ({ state, is }) => {
    expect(event('deployment_status', withState(state)).status).toBe(is)
  })

  it.each([
    { title: 'an object', payload: { service: 'pay' }, service: 'pay' },
    { title: 'JSON in a text', payload: '{"service":"pay"}', service: 'pay' },
    { title: 'any text', payload: 'service=pay', service: 'checkout' },
    { title: 'another object', payload: { team: 'a' }, service: 'checkout' },
  ])('takes the service from a payload that is $title', ({ payload, service }) => {
    expect(event('deployment_status', withDeployment({ payload })).service).toBe(service)
  })

  it('takes the service from the address before the payload', () => {
    const json = withDeployment({ payload: { service: 'pay' } })
    expect(event('deployment_status', json, { service: 'till' }).service).toBe('till')
  })

  it('of a task that rolls back is a rollback', () => {
    expect(event('deployment_status', withDeployment({ task: 'rollback' })).kind).toBe('rollback')
  })

  it('of a tag has the tag as version', () => {
    const json = withDeployment({ ref: 'refs/tags/2026-03' })
    expect(event('deployment_status', json).version).toBe('2026-03')
  })
})

it.each([
  {
    name: 'deployment',
    json: githubDeployment,
    is: { kind: 'deployment', status: 'pending', timestamp: noon - 60_000 },
  },
  {
    name: 'pull_request',
    json: githubPullRequest,
    is: { kind: 'merge', status: 'succeeded', commit: SHA, ref: 'main', timestamp: noon },
  },
  {
    name: 'workflow_run',
    json: githubWorkflowRun,
    is: { kind: 'build', status: 'failed', startedAt: noon - 600_000, finishedAt: noon },
  },
])('$name is read', ({ name, json, is }) => {
  expect(event(name, json)).toMatchObject({
    service: 'checkout',
    source: 'github',
    deployedBy: 'ada',
    ...is,
  })
})

it('takes the service of a merge from its labels', () => {
  const labelled = { ...githubPullRequest.pull_request, labels: [{ name: 'service:pay' }] }
  expect(event('pull_request', { ...githubPullRequest, pull_request: labelled }).service).toBe(
    'pay',
  )
})

it('gives every attempt and state of a run an identity of its own', () => {
  const run = (change: object) =>
    event('workflow_run', {
      ...githubWorkflowRun,
      workflow_run: { ...githubWorkflowRun.workflow_run, ...change },
    }).id
  const ids = [run({}), run({ run_attempt: 3 }), run({ status: 'queued', conclusion: null })]
  expect(new Set(ids).size).toBe(3)
})

it.each([
  { name: 'ping', json: { zen: 'x' } },
  { name: 'push', json: {} },
  { name: 'constructor', json: {} },
  { name: 'deployment_status', json: withState('inactive') },
  { name: 'deployment', json: { ...githubDeployment, action: 'edited' } },
  { name: 'pull_request', json: { ...githubPullRequest, action: 'opened' } },
  {
    name: 'pull_request',
    json: {
      ...githubPullRequest,
      pull_request: { ...githubPullRequest.pull_request, merged: false },
    },
  },
])('passes over $name and says why', ({ name, json }) => {
  const result = githubEvent(name, json, arrival)
  expect(result).toMatchObject({ kind: 'ignored', reason: expect.stringContaining("'") as unknown })
})

it.each([
  { title: 'no object', name: 'deployment_status', json: null, field: 'body' },
  {
    title: 'no status',
    name: 'deployment_status',
    json: githubDeployment,
    field: 'deployment_status',
  },
  {
    title: 'no time',
    name: 'deployment',
    json: { ...githubDeployment, deployment: { id: 1 } },
    field: 'deployment.created_at',
  },
  {
    title: 'no repository',
    name: 'deployment',
    json: { deployment: githubDeployment.deployment },
    field: 'repository',
  },
  {
    title: 'a time that is none',
    name: 'workflow_run',
    json: { ...githubWorkflowRun, workflow_run: { status: 'completed', updated_at: 'soon' } },
    field: 'workflow_run.updated_at',
  },
  {
    title: 'labels that are none',
    name: 'pull_request',
    json: {
      ...githubPullRequest,
      pull_request: { ...githubPullRequest.pull_request, labels: ['bug'] },
    },
    field: 'pull_request.labels[0]',
  },
])('refuses $title and names the field', ({ name, json, field }) => {
  expect(githubEvent(name, json, arrival)).toMatchObject({ kind: 'refused', fault: { field } })
})

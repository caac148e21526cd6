import { describe, expect, it } from 'vitest'
import { cdEvent, isCdEvent } from './cdevents.ts'
import { cdEvent04, cdEvent05, cdEventOf } from './testing/hooks.ts'

const noon = Date.UTC(2026, 2, 1, 12)
const arrival = { tenant: 'default', receivedAtMs: noon + 5_000 }
const event = (json: unknown, said: object = {}) => {
  const result = cdEvent(json, { ...arrival, ...said })
  if (result.kind !== 'mapped') throw new Error(JSON.stringify(result))
  return result.value
}
const service = (kind: string) => cdEventOf(`service.${kind}`, cdEvent04.subject)

it.each([
  { title: '0.4', json: cdEvent04, more: { custom_data: '{"ticket":"OPS-1"}' } },
  { title: '0.5', json: cdEvent05, more: { chain_id: cdEvent05.context.chainId } },
])('reads a service that was deployed, by $title', ({ json, more }) => {
  expect(event(json)).toMatchObject({
    timestamp: noon,
    service: 'checkout',
    environment: 'production',
    version: 'v1.4.0',
    status: 'succeeded',
    kind: 'deployment',
    finishedAt: noon,
    source: 'cdevents',
    sourceId: '/event/source/123 271069a8-fc18-44f1-b38f-9d70a1695819',
    metadata: {
      type: json.context.type,
      subject: 'checkout',
      subject_source: '/cluster/1',
      artifact: cdEvent04.subject.content.artifactId,
      ...more,
    },
  })
})

it('takes source and id as identity, whatever the version of the type', () => {
  const other = { ...cdEvent05, context: { ...cdEvent05.context, id: 'other' } }
  expect(event(cdEvent05).id).toBe(event(cdEvent04).id)
  expect(event(other).id).not.toBe(event(cdEvent04).id)
})

describe('kinds', () => {
  it.each([
    { title: 'upgraded', json: service('upgraded'), is: { kind: 'deployment' } },
    { title: 'rolledback', json: service('rolledback'), is: { kind: 'rollback' } },
    { title: 'removed', json: service('removed'), is: { kind: 'removal' } },
    { title: 'published', json: service('published'), is: { kind: 'configuration' } },
    {
      title: 'an environment',
      json: cdEventOf('environment.modified', { id: 'production', content: { name: 'Live' } }),
      is: { kind: 'infrastructure', service: 'production', environment: 'production' },
    },
    {
      title: 'an environment that is gone',
      json: cdEventOf('environment.deleted', { id: 'test', content: {} }),
      is: { kind: 'removal' },
    },
    {
      title: 'a merge',
      json: cdEventOf('change.merged', {
        id: '7',
        content: { repository: { id: 'shop/checkout' } },
      }),
      is: { kind: 'merge', service: 'checkout', metadata: { change: '7' } },
    },
    {
      title: 'an artifact',
      json: cdEventOf('artifact.published', { id: 'pkg:npm/%40shop/cart@2.0.1', content: {} }),
      is: { kind: 'build', service: 'cart', version: '2.0.1' },
    },
    {
      title: 'a pipeline that began',
      json: cdEventOf('pipelinerun.started', {
        id: '/runs/9',
        content: { pipelineName: 'nightly' },
      }),
      is: {
        kind: 'build',
        service: 'nightly',
        status: 'running',
        startedAt: noon,
        finishedAt: null,
      },
    },
    {
      title: 'a pipeline that waits',
      json: cdEventOf('pipelinerun.queued', { id: '/runs/9' }),
      is: { service: '9', status: 'pending', startedAt: null },
    },
  ])('$title', ({ json, is }) => {
    expect(event(json)).toMatchObject({ status: 'succeeded', ...is })
  })

  it.each([
    { outcome: 'success', is: 'succeeded' },
    { outcome: 'failure', is: 'failed' },
    { outcome: 'error', is: 'failed' },
    { outcome: 'cancel', is: 'cancelled' },
    { outcome: undefined, is: 'unknown' },
    { outcome: 'valueOf', is: 'unknown' },
  ])('a pipeline that ended with $outcome is $is', ({ outcome, is }) => {
    const json = cdEventOf('pipelinerun.finished', { id: '9', content: { outcome } })
    expect(event(json).status).toBe(is)
  })
})

it('leaves out custom data that is too long, and says so', () => {
  const customData = { text: 'x'.repeat(9_000) }
  expect(event({ ...cdEvent04, customData }).metadata['custom_data']).toMatch(/^90\d\d characters/)
})

it.each([
  'dev.cdevents.service.deployed.0.2.0',
  'dev.cdevents.service.deployed.0.3.0-draft',
  'dev.cdevents.anything.else.10.0.1',
])('knows %s as a CDEvent', (type) => {
  expect(isCdEvent(type)).toBe(true)
})

it.each(['com.example.deployed', 'dev.cdevents.service.deployed', 'xdev.cdevents.a.b.0.1.0'])(
  'does not take %s for a CDEvent',
  (type) => {
    expect(isCdEvent(type)).toBe(false)
  },
)

it.each(['testcaserun.finished', 'incident.detected', 'taskrun.started'])(
  'passes over %s',
  (kind) => {
    expect(cdEvent(cdEventOf(kind, { id: '1' }), arrival)).toMatchObject({ kind: 'ignored' })
  },
)

const context = (change: object) => ({ ...cdEvent04, context: { ...cdEvent04.context, ...change } })
const subject = (change: object) => ({ ...cdEvent04, subject: { ...cdEvent04.subject, ...change } })

it.each([
  { title: 'no object', json: 7, field: 'body' },
  { title: 'no context', json: {}, field: 'context' },
  { title: 'another type', json: context({ type: 'com.example' }), field: 'context.type' },
  { title: 'no id', json: context({ id: '' }), field: 'context.id' },
  { title: 'no source', json: context({ source: undefined }), field: 'context.source' },
  { title: 'a source with spaces', json: context({ source: 'a b' }), field: 'context.source' },
  { title: 'no time', json: context({ timestamp: null }), field: 'context.timestamp' },
  {
    title: 'a time ahead',
    json: context({ timestamp: '2027-01-01T00:00:00Z' }),
    field: 'timestamp',
  },
  { title: 'no subject', json: { context: cdEvent04.context }, field: 'subject' },
  { title: 'no service', json: subject({ id: null }), field: 'subject.id' },
  { title: 'no environment', json: subject({ content: {} }), field: 'subject.content.environment' },
  {
    title: 'a nameless environment',
    json: subject({ content: { environment: {} } }),
    field: 'subject.content.environment.id',
  },
])('refuses $title and names the field', ({ json, field }) => {
  expect(cdEvent(json, arrival)).toMatchObject({ kind: 'refused', fault: { field } })
})

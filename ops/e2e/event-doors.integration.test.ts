/**
 * Webhooks and events of other systems at the gateway, as these systems send them: what is right is
 * in Kafka once when the answer says so, what is wrong or forged is refused and never there.
 */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudEvent, HTTP } from 'cloudevents'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  alertmanagerGroup,
  argocdDeployed,
  cdEvent04,
  cdEvent05,
  githubDeploymentStatus,
  gitlabDeployment,
} from '../../pipelines/intake/events/testing/hooks.ts'
import { telemetryAlerts, telemetryDeployments } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { ProductProcess } from '../test/product-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-hooks-'))
const tenant = uniqueName('shop')
const other = uniqueName('other')
const secrets = {
  gitlab: 'a token of GitLab, 1',
  signing: `whsec_${Buffer.from('a signing key of some length').toString('base64')}`,
  github: 'a secret of GitHub, 1',
  otherGithub: 'a secret of another tenant',
  argocd: 'a token for Argo CD',
}
let broker: BrokerSide
let gateway: ProductProcess

const fileOf = (name: keyof typeof secrets): string => {
  const path = join(folder, name)
  writeFileSync(path, `${secrets[name]}\n`)
  return path
}

beforeAll(async () => {
  const environment = stackEnvironment()
  broker = await BrokerSide.open(readConfig(environment))
  gateway = await ProductProcess.start({
    command: ['service', 'gateway'],
    environment: {
      ...environment,
      SECRETS_REFRESH_SECONDS: '1',
      GATEWAY_WEBHOOK_SECRETS: [
        `gitlab:${tenant}=file:${fileOf('gitlab')}`,
        `gitlab:${tenant}=file:${fileOf('signing')}`,
        `github:${tenant}=file:${fileOf('github')}`,
        `github:${other}=file:${fileOf('otherGithub')}`,
        `argocd:${tenant}=file:${fileOf('argocd')}`,
      ].join(','),
    },
  })
})
afterAll(async () => {
  expect(await gateway.stop()).toBe(0)
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Request {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer
}
interface Answer {
  readonly status: number
  readonly json: {
    readonly ids?: readonly string[]
    readonly status?: unknown
    readonly field?: string
    readonly code?: string
    readonly ignored?: readonly string[]
    readonly rejected?: readonly { readonly field: string }[]
  }
}

const post = async ({ path, headers = {}, body }: Request): Promise<Answer> => {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, json: (await response.json()) as Answer['json'] }
}

const stored = async (id: string | undefined) =>
  (await broker.values(telemetryDeployments, tenant)).filter((event) => event.id === id)
const countOf = async (of = tenant) => (await broker.values(telemetryDeployments, of)).length

/** Its own deployment, told of just now. */
let deployments = 0
const gitlabBody = (): string => {
  deployments += 1
  const status_changed_at = new Date().toISOString()
  return JSON.stringify({ ...gitlabDeployment, deployment_id: deployments, status_changed_at })
}
const githubBody = (): string => {
  deployments += 1
  const status = { ...githubDeploymentStatus.deployment_status, id: deployments }
  return JSON.stringify({ ...githubDeploymentStatus, deployment_status: status })
}

const signedGitlab = (
  body: string,
  { key = secrets.signing, ageSeconds = 0, id = 'hook-1' } = {},
) => {
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds)
  const signature = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}
const signedGithub = (body: string, secret = secrets.github) => ({
  'x-github-event': 'deployment_status',
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
})

const gitlab = (body: string, headers: Readonly<Record<string, string>>) =>
  post({ path: '/ingest/gitlab', body, headers })
const github = (body: string, headers: Readonly<Record<string, string>>) =>
  post({ path: '/ingest/github', body, headers })

describe('GitLab', () => {
  it.each([
    { title: 'with its token', headers: () => ({ 'x-gitlab-token': secrets.gitlab }) },
    { title: 'signed', headers: (body: string) => signedGitlab(body) },
  ])('$title: the deployment is in Kafka when the answer comes', async ({ headers }) => {
    const body = gitlabBody()
    const { status, json } = await gitlab(body, headers(body))
    expect({ status, json }).toMatchObject({ status: 200, json: { status: 'accepted' } })
    expect(await stored(json.ids?.[0])).toMatchObject([
      { tenant, service: 'checkout', status: 'succeeded', source: 'gitlab' },
    ])
  })

  it('sent again is one record', async () => {
    const body = gitlabBody()
    const headers = { 'x-gitlab-token': secrets.gitlab, 'idempotency-key': 'delivery-1' }
    const answers = await Promise.all([1, 2, 3].map(() => gitlab(body, headers)))
    const later = await gitlab(body, signedGitlab(body, { id: 'delivery-2' }))
    const ids = new Set([...answers, later].map(({ json }) => json.ids?.[0]))
    expect(ids.size).toBe(1)
    expect(await stored([...ids][0])).toHaveLength(1)
  })

  it('takes service and environment from the address', async () => {
    const path = '/ingest/gitlab?service=pay&environment=staging'
    const headers = { 'x-gitlab-token': secrets.gitlab }
    const { json } = await post({ path, body: gitlabBody(), headers })
    expect(await stored(json.ids?.[0])).toMatchObject([{ service: 'pay', environment: 'staging' }])
  })

  it('is not told off for events that tell of no change', async () => {
    const body = JSON.stringify({ object_kind: 'push' })
    expect(await gitlab(body, { 'x-gitlab-token': secrets.gitlab })).toMatchObject({
      status: 200,
      json: { status: 'ignored', ids: [], ignored: [expect.stringContaining('push')] },
    })
    expect(await gateway.metric('gateway_records_refused_total', { reason: 'no-change' })).toBe(1)
  })
})

describe('GitHub', () => {
  it('signed by the secret of a tenant is that tenant’s', async () => {
    const body = githubBody()
    const before = await countOf(other)
    const mine = await github(body, signedGithub(body))
    expect(await stored(mine.json.ids?.[0])).toMatchObject([{ tenant, source: 'github' }])
    const theirs = await github(body, signedGithub(body, secrets.otherGithub))
    expect(theirs.json.ids?.[0]).not.toBe(mine.json.ids?.[0])
    expect(await countOf(other)).toBe(before + 1)
  })

  it('as a form, which is how GitHub sends unless told otherwise', async () => {
    const body = new URLSearchParams({ payload: githubBody() }).toString()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const { json } = await github(body, { ...signedGithub(body), ...form })
    expect(await stored(json.ids?.[0])).toMatchObject([{ source: 'github' }])
  })

  it('redelivered under another delivery id is one record', async () => {
    const body = githubBody()
    const first = await github(body, { ...signedGithub(body), 'x-github-delivery': 'a' })
    const again = await github(body, { ...signedGithub(body), 'x-github-delivery': 'b' })
    expect(again).toEqual(first)
    expect(await stored(first.json.ids?.[0])).toHaveLength(1)
  })
})

it('Argo CD with a shared token', async () => {
  const body = JSON.stringify({ ...argocdDeployed, app: uniqueName('app') })
  const headers = { 'x-millrace-token': secrets.argocd }
  const { json } = await post({ path: '/ingest/argocd', body, headers })
  expect(await stored(json.ids?.[0])).toMatchObject([{ source: 'argocd', environment: 'shop' }])
})

describe('refused, and not in Kafka', () => {
  const good = gitlabBody()
  const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`
  const token = { 'x-gitlab-token': secrets.gitlab }
  const cases: readonly (Request & {
    readonly title: string
    readonly status: number
    readonly field?: string
  })[] = [
    { title: 'no token', headers: {}, body: good, status: 401 },
    { title: 'a wrong token', headers: { 'x-gitlab-token': 'wrong' }, body: good, status: 401 },
    {
      title: 'a token of another source',
      headers: { 'x-gitlab-token': secrets.github },
      body: good,
      status: 401,
    },
    {
      title: 'a signature by another key',
      headers: signedGitlab(good, { key: `whsec_${Buffer.from('other').toString('base64')}` }),
      body: good,
      status: 401,
    },
    {
      title: 'a signature of another body',
      headers: signedGitlab(good),
      body: `${good} `,
      status: 401,
    },
    {
      title: 'an old signature',
      headers: signedGitlab(good, { ageSeconds: 301 }),
      body: good,
      status: 401,
    },
    {
      title: 'a wrong signature beside a right token',
      headers: { ...token, 'webhook-signature': 'v1,AAAA' },
      body: good,
      status: 401,
    },
    {
      title: 'a wrong key beside a right token',
      headers: { ...token, 'x-api-key': 'wrong' },
      body: good,
      status: 401,
    },
    { title: 'no JSON', headers: token, body: '{"object_kind":', status: 400, field: 'body' },
    {
      title: 'no UTF-8',
      headers: token,
      body: Buffer.from([0x7b, 0xff]),
      status: 400,
      field: 'body',
    },
    { title: 'deep JSON', headers: token, body: deep, status: 400, field: 'body' },
    { title: 'nothing', headers: token, body: '', status: 400, field: 'body' },
    {
      title: 'a field of another type',
      headers: token,
      body: JSON.stringify({ ...gitlabDeployment, status: 7 }),
      status: 400,
      field: 'status',
    },
    {
      title: 'a time ahead of now',
      headers: token,
      body: JSON.stringify({ ...gitlabDeployment, status_changed_at: '2999-01-01T00:00:00Z' }),
      status: 400,
      field: 'timestamp',
    },
    {
      title: 'a service twice',
      path: '/ingest/gitlab?service=a&service=b',
      headers: token,
      body: good,
      status: 400,
      field: 'service',
    },
    {
      title: 'another type of body',
      headers: { ...token, 'content-type': 'text/xml' },
      body: good,
      status: 415,
      field: 'content-type',
    },
    {
      title: 'a packed body',
      headers: { ...token, 'content-encoding': 'gzip' },
      body: good,
      status: 415,
      field: 'content-encoding',
    },
    {
      title: 'a large body',
      headers: token,
      body: ' '.repeat(6_000_000),
      status: 413,
      field: 'body',
    },
    {
      title: 'GitHub without signature',
      path: '/ingest/github',
      headers: { 'x-github-event': 'deployment_status' },
      body: good,
      status: 401,
    },
    {
      title: 'GitHub with a wrong signature',
      path: '/ingest/github',
      headers: signedGithub(good, 'another secret, not known'),
      body: good,
      status: 401,
    },
    {
      title: 'GitHub without the name of the event',
      path: '/ingest/github',
      headers: { 'x-hub-signature-256': signedGithub('{}')['x-hub-signature-256'] },
      body: '{}',
      status: 400,
      field: 'x-github-event',
    },
    {
      title: 'Argo CD with a wrong token',
      path: '/ingest/argocd',
      headers: { 'x-millrace-token': 'wrong' },
      body: JSON.stringify(argocdDeployed),
      status: 401,
    },
  ].map((each) => ({ path: '/ingest/gitlab', ...each }))

  it('each of them', async () => {
    const before = await countOf()
    for (const { title, status, field, ...request } of cases) {
      const answer = await post(request)
      expect({ title, status: answer.status, field: answer.json.field }).toEqual({
        title,
        status,
        field,
      })
    }
    expect(await countOf()).toBe(before)
  })
})

it('a secret that was replaced is taken without a restart, and the old one is not', async () => {
  const before = { 'x-millrace-token': secrets.argocd }
  const after = { 'x-millrace-token': 'another token for Argo CD' }
  const body = JSON.stringify({ ...argocdDeployed, app: uniqueName('app') })
  const status = async (headers: Record<string, string>) =>
    (await post({ path: '/ingest/argocd', body, headers })).status
  expect([await status(before), await status(after)]).toEqual([200, 401])
  writeFileSync(join(folder, 'argocd'), after['x-millrace-token'])
  expect(
    await eventually(
      () => status(after),
      (found) => found === 200,
    ),
  ).toBe(200)
  expect(await status(before)).toBe(401)
})

describe('CloudEvents, made by the SDK', () => {
  const headers = { 'x-tenant': tenant }
  const event = (json: typeof cdEvent04 | typeof cdEvent05): CloudEvent<unknown> => {
    const context = { ...json.context, id: uniqueName('event') }
    const { id, source, type, timestamp: time } = context
    const subject = json.subject.id
    return new CloudEvent({ id, source, type, time, subject, data: { ...json, context } })
  }
  const send = ({ headers: own, body }: ReturnType<typeof HTTP.binary>) =>
    post({
      path: '/ingest/cloudevents',
      headers: { ...headers, ...(own as Record<string, string>) },
      body: body as string,
    })

  it.each([
    { title: 'binary, CDEvents 0.4', message: () => HTTP.binary(event(cdEvent04)) },
    { title: 'binary, CDEvents 0.5', message: () => HTTP.binary(event(cdEvent05)) },
    { title: 'structured, CDEvents 0.4', message: () => HTTP.structured(event(cdEvent04)) },
    { title: 'structured, CDEvents 0.5', message: () => HTTP.structured(event(cdEvent05)) },
  ])('$title', async ({ message }) => {
    const { status, json } = await send(message())
    expect({ status, json }).toMatchObject({ status: 200 })
    expect(await stored(json.ids?.[0])).toMatchObject([
      { source: 'cdevents', service: 'checkout', environment: 'production', version: 'v1.4.0' },
    ])
  })

  it('in a batch: the good ones are kept, the others named', async () => {
    const [first, second] = [event(cdEvent04), event(cdEvent05)]
    const foreign = new CloudEvent({ source: '/x', type: 'com.example.any', data: 1 })
    const bad = { ...second.toJSON(), data: { context: {} } }
    const body = JSON.stringify([first, foreign, bad, second])
    const type = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }
    const { status, json } = await post({
      path: '/ingest/cloudevents',
      headers: { ...headers, ...type },
      body,
    })
    expect({ status, json }).toMatchObject({
      status: 200,
      json: {
        status: 'accepted',
        ignored: [expect.stringContaining('com.example.any')],
        rejectedCount: 1,
        rejected: [{ field: '[2].data.context.type' }],
      },
    })
    expect(json.ids).toHaveLength(2)
    for (const id of json.ids ?? []) expect(await stored(id)).toHaveLength(1)
  })

  it('sent again, in another form, is one record', async () => {
    const same = event(cdEvent05)
    const answers = [await send(HTTP.binary(same)), await send(HTTP.structured(same))]
    expect(answers[1]?.json.ids).toEqual(answers[0]?.json.ids)
    expect(await stored(answers[0]?.json.ids?.[0])).toHaveLength(1)
  })

  it.each([
    { title: 'no attributes', headers: {}, body: '{}', field: 'ce.specversion' },
    {
      title: 'another version',
      headers: { 'ce-specversion': '0.2', 'ce-id': '1', 'ce-source': '/', 'ce-type': 'a' },
      body: '{}',
      field: 'ce.specversion',
    },
    {
      title: 'an envelope without id',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: '{"specversion":"1.0","source":"/","type":"a"}',
      field: 'id',
    },
    {
      title: 'data that is no base64',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: '{"specversion":"1.0","id":"1","source":"/","type":"a","data_base64":"%"}',
      field: 'data_base64',
    },
    {
      title: 'a batch that is none',
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      body: '{}',
      field: 'body',
    },
  ])('$title: 400 with the field', async ({ headers: own, body, field }) => {
    const answer = await post({
      path: '/ingest/cloudevents',
      headers: { ...headers, ...own },
      body,
    })
    expect(answer).toMatchObject({ status: 400, json: { field } })
  })
})

describe('Alertmanager', () => {
  const alerts = async (of: string) => await broker.values(telemetryAlerts, of)
  const send = (of: string, body: unknown) =>
    post({
      path: '/ingest/alertmanager',
      headers: { 'x-tenant': of },
      body: JSON.stringify(body),
    })

  it('each alert of a group, once however often it is told', async () => {
    const of = uniqueName('alerts')
    expect(await send(of, alertmanagerGroup)).toMatchObject({ status: 200 })
    expect(await send(of, alertmanagerGroup)).toMatchObject({ status: 200 })
    const found = await alerts(of)
    expect(found.map(({ status }) => status).sort()).toEqual(['firing', 'resolved'])
  })

  it('keeps the good ones and names the others', async () => {
    const of = uniqueName('alerts')
    const [good] = alertmanagerGroup.alerts
    const answer = await send(of, {
      ...alertmanagerGroup,
      alerts: [{ ...good, startsAt: 'soon' }, good],
    })
    expect(answer).toMatchObject({
      status: 200,
      json: { rejectedCount: 1, rejected: [{ field: 'alerts[0].startsAt' }] },
    })
    expect(await alerts(of)).toHaveLength(1)
  })

  it('refuses what has nothing good in it', async () => {
    expect(await send(uniqueName('alerts'), { version: '3' })).toMatchObject({
      status: 400,
      json: { field: 'version' },
    })
  })
})

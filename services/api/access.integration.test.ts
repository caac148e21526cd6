/** Every path of the API, asked by everybody: who gets an answer, and who gets which refusal. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ringOf, testKey } from '../shared/identity/testing/test-keys.ts'
import { openTestApi, pointOf, testSeries, type TestApi } from './testing/api-fixture.ts'

const own = testSeries('cpu', {}, 'acme')
const foreign = testSeries('cpu', {}, 'beta')

/** A path that is not here fails the test that compares the list with the API's own. */
const guarded = [
  '/api/anomalies',
  '/api/anomalies/{id}',
  '/api/principal',
  '/api/series',
  '/api/series/{series}/points',
  '/api/status',
  '/api/telemetry',
  '/api/tenants',
  '/telemetry',
]
const open = ['/health', '/healthz', '/metrics', '/readyz']
const withoutTenant = ['/api/principal', '/api/status', '/api/tenants']

const viewer = testKey({ tenant: 'acme', roles: ['viewer'] })
const admin = testKey({ tenant: 'acme', roles: ['admin'] })
const everywhere = testKey({ tenant: '*', roles: ['viewer'] })
const other = testKey({ tenant: 'beta', roles: ['admin'] })
const writer = testKey({ tenant: 'acme', kinds: ['metrics', 'logs'] })
const expired = testKey({ tenant: 'acme', roles: ['admin'], expires: 1 })
const revoked = testKey({ tenant: 'acme', roles: ['admin'], state: 'revoked' })

let api: TestApi
beforeAll(async () => {
  const keys = ringOf(viewer, admin, everywhere, other, writer, expired, revoked)
  api = await openTestApi({ keys })
  await api.insert('metrics', [pointOf(own, 1, 1), pointOf(foreign, 1, 2)])
})
afterAll(() => api.close())

const pathOf = (template: string): string =>
  template.replace('{id}', 'a1').replace('{series}', own.series)
const ask = (url: string, key?: string) =>
  api.app.inject({ url, headers: key === undefined ? {} : { 'x-api-key': key } })

it('has no path that this test does not know', async () => {
  const { paths } = (await ask('/docs/json')).json<{ paths: Record<string, object> }>()
  expect(Object.keys(paths).sort()).toEqual([...guarded, ...open].sort())
})

it.each([...open, '/', '/main.js', '/docs', '/docs/json'])('%s is open', async (url) => {
  expect((await ask(url)).statusCode).not.toBe(401)
})

describe.each(guarded)('%s', (template) => {
  const url = pathOf(template)

  it.each([
    { title: 'no key', key: undefined },
    { title: 'a wrong key', key: testKey().key },
    { title: 'a malformed key', key: 'secret' },
    { title: 'an expired key', key: expired.key },
    { title: 'a revoked key', key: revoked.key },
  ])('with $title: 401', async ({ key }) => {
    const answer = await ask(url, key)
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toContain('Bearer')
    expect(answer.headers['content-type']).toContain('application/problem+json')
    if (key !== undefined) expect(answer.body).not.toContain(key)
  })

  it('with a key that only writes: 403', async () => {
    expect((await ask(url, writer.key)).json()).toMatchObject({ status: 403, code: 'not-allowed' })
  })

  it.each([
    { title: 'of a viewer', key: viewer.key },
    { title: 'of an admin', key: admin.key },
    { title: 'for all tenants', key: everywhere.key },
  ])('with a key $title it answers', async ({ key }) => {
    expect([200, 404]).toContain((await ask(url, key)).statusCode)
  })

  it.skipIf(withoutTenant.includes(template))('with a key of another tenant: 403', async () => {
    const answer = await ask(`${url}?tenant=acme`, other.key)
    expect(answer.json()).toMatchObject({ status: 403, code: 'tenant-refused' })
    const both = await ask(`${url}?tenant=beta&tenant=acme`, other.key)
    expect([400, 403]).toContain(both.statusCode)
  })

  it('never shows what is of another tenant', async () => {
    const answer = await ask(url, other.key)
    expect(answer.body.replaceAll(url, '')).not.toContain('acme')
    expect(answer.statusCode).not.toBe(500)
  })
})

it('counts and lists only what the key may see', async () => {
  const tenants = await ask('/api/tenants', other.key)
  expect(tenants.json<{ items: object[] }>().items).toEqual([
    expect.objectContaining({ tenant: 'beta' }),
  ])
  const status = (await ask('/api/status', other.key)).json<{ totals: object }>()
  expect(status.totals).toMatchObject({ tenants: 1, series: 1, points: 1 })
  const all = (await ask('/api/status', everywhere.key)).json<{ totals: object }>()
  expect(all.totals).toMatchObject({ tenants: 2, points: 2 })
})

it('says who asks', async () => {
  expect((await ask('/api/principal', viewer.key)).json()).toEqual({
    via: 'key',
    name: 'a test',
    tenants: 'acme',
    roles: ['viewer'],
    kinds: [],
  })
})

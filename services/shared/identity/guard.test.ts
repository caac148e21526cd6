import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { guard, openRoutes } from './guard.ts'
import { Identity } from './identity.ts'
import type { Principal } from './principal.ts'
import { ringOf, testKey } from './testing/test-keys.ts'

const key = testKey({ tenant: 'acme', kinds: ['logs'] })

const serverWith = (declare: (app: FastifyInstance) => void): FastifyInstance => {
  const app = fastify()
  const identity = new Identity({
    keys: ringOf(key),
    keysLoaded: () => true,
    tokens: undefined,
    host: '0.0.0.0',
    anonymous: true,
    nowMs: () => 0,
  })
  guard(app, { identity, askedTenants: ({ headers }) => [headers['x-tenant'] ?? []].flat() })
  declare(app)
  return app
}

it('keeps a server from starting that has a route without a rule', async () => {
  const app = serverWith((server) => {
    server.get('/fine', { config: { access: 'open' } }, () => 'fine')
    server.register((inner, _, done) => {
      inner.get('/forgotten', () => 'data')
      done()
    })
  })
  await expect(app.ready()).rejects.toThrow(/GET \/forgotten/)
})

it('leaves to plugins with routes of their own what is open to all', async () => {
  const app = serverWith((server) => {
    server.register((inner, _, done) => {
      openRoutes(inner)
      inner.get('/files', () => 'file')
      done()
    })
  })
  expect((await app.inject('/files')).statusCode).toBe(200)
})

describe('a guarded route', () => {
  const app = serverWith((server) => {
    server.post('/logs', { config: { access: { writes: 'logs' } } }, ({ principal }) => ({
      tenant: principal.tenant,
      name: principal.name,
    }))
    server.post('/signed', { config: { access: { writes: 'logs', signed: true } } }, (request) => {
      const found: { readonly principal?: Principal } = request
      return { tenant: found.principal?.tenant ?? 'nobody' }
    })
    server.post('/metrics', { config: { access: { writes: 'metrics' } } }, () => 'written')
  })
  const post = (url: string, headers = {}) => app.inject({ method: 'POST', url, headers })

  it('is given who acts', async () => {
    const answer = await post('/logs', { 'x-api-key': key.key })
    expect(answer.json()).toEqual({ tenant: 'acme', name: 'a test' })
  })

  it('that may be signed has nobody until it has checked the signature', async () => {
    expect((await post('/signed')).json()).toEqual({ tenant: 'nobody' })
    expect((await post('/signed', { 'x-api-key': key.key })).json()).toEqual({ tenant: 'acme' })
    expect((await post('/signed', { 'x-api-key': 'wrong' })).statusCode).toBe(401)
  })

  it.each([
    { title: 'without a key', url: '/logs', headers: {}, status: 401 },
    { title: 'a wrong key', url: '/logs', headers: { 'x-api-key': testKey().key }, status: 401 },
    { title: 'another kind', url: '/metrics', headers: { 'x-api-key': key.key }, status: 403 },
    {
      title: 'another tenant',
      url: '/logs',
      headers: { 'x-api-key': key.key, 'x-tenant': 'beta' },
      status: 403,
    },
    { title: 'nowhere', url: '/nothing', headers: {}, status: 404 },
  ])('$title: $status', async ({ url, headers, status }) => {
    const answer = await post(url, headers)
    expect(answer.statusCode).toBe(status)
    const challenge = answer.headers['www-authenticate']
    if (status === 401) expect(challenge).toMatch(/^Bearer realm="millrace"/)
    else expect(challenge).toBeUndefined()
    expect(answer.body).not.toContain(key.key)
  })
})

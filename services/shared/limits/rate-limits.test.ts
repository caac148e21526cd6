import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { guard } from '../identity/guard.ts'
import { Identity } from '../identity/identity.ts'
import { ringOf, testKey } from '../identity/testing/test-keys.ts'
import { Problem, sendProblem } from '../problem.ts'
import { limitRates } from './rate-limits.ts'
import { TokenBucket } from './token-bucket.ts'

const [one, other] = [testKey({ kinds: ['logs'] }), testKey({ kinds: ['logs'] })]

const server = (
  limits: { requestsPerSecond: number; bytesPerSecond?: number },
  clock = { nowMs: 0 },
): FastifyInstance => {
  const app = fastify()
  app.setErrorHandler((error, request, reply) =>
    error instanceof Problem ? sendProblem(error, request, reply) : reply.send(error),
  )
  const identity = new Identity({
    keys: ringOf(one, other),
    keysLoaded: () => true,
    tokens: undefined,
    host: '127.0.0.1',
    anonymous: true,
    nowMs: () => 0,
  })
  guard(app, { identity, askedTenants: () => [] })
  limitRates(app, { bytesPerSecond: Infinity, ...limits, nowMs: () => clock.nowMs })
  app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
  app.post('/logs', { config: { access: { writes: 'logs' } } }, () => 'taken')
  app.get('/health', { config: { access: 'open' } }, () => 'alive')
  return app
}

const post = (app: FastifyInstance, key: string | undefined, body = 'x') =>
  app.inject({
    method: 'POST',
    url: '/logs',
    headers: { 'content-type': 'text/plain', ...(key === undefined ? {} : { 'x-api-key': key }) },
    payload: body,
  })

describe('requests', () => {
  it('of one key beyond its share are refused, those of others taken', async () => {
    const app = server({ requestsPerSecond: 3 })
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(app, one.key)))
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 200, 429, 429])
    const refused = answers.find(({ statusCode }) => statusCode === 429)
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
    expect((await post(app, other.key)).statusCode).toBe(200)
  })

  it('of this machine without a key, and for health, have no limit', async () => {
    const app = server({ requestsPerSecond: 1, bytesPerSecond: 1 })
    for (let times = 0; times < 5; times += 1) {
      expect((await post(app, undefined, 'many bytes')).statusCode).toBe(200)
      expect((await app.inject('/health')).statusCode).toBe(200)
    }
  })

  it('that are refused for their key are no one else’s', async () => {
    const app = server({ requestsPerSecond: 1 })
    for (let times = 0; times < 5; times += 1) {
      expect((await post(app, testKey().key)).statusCode).toBe(401)
    }
  })
})

describe('bytes', () => {
  it('beyond a second’s share come in once, and the next request waits', async () => {
    const clock = { nowMs: 0 }
    const app = server({ requestsPerSecond: 100, bytesPerSecond: 10 }, clock)
    expect((await post(app, one.key, 'x'.repeat(40))).statusCode).toBe(200)
    const refused = await post(app, one.key)
    expect(refused.statusCode).toBe(429)
    expect(refused.json()).toMatchObject({ code: 'too-many-bytes' })
    expect((await post(app, other.key)).statusCode).toBe(200)
    clock.nowMs = 2_999
    expect((await post(app, one.key)).statusCode).toBe(429)
    clock.nowMs = 3_000
    expect((await post(app, one.key)).statusCode).toBe(200)
  })
})

it('a bucket neither gains nor loses by a clock that is set back', () => {
  const bucket = new TokenBucket({ perSecond: 1, capacity: 10 }, 1000)
  bucket.take(10, 1000)
  expect(bucket.tokens(0)).toBe(0)
  expect(bucket.tokens(2_000)).toBe(2)
})

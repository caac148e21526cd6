/** Tokens against an issuer that runs: discovery, keys, rotation. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenVerifier, type TokenSettings } from './token.ts'

interface Pair {
  readonly id: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

const pair = async (id: string): Promise<Pair> => ({ id, ...(await generateKeyPair('ES256')) })

let server: Server
let settings: TokenSettings
let current: Pair
let published: readonly Pair[]
let named: string
let asked = 0

beforeAll(async () => {
  current = await pair('one')
  published = [current]
  server = createServer((request, response) => {
    void (async () => {
      asked += 1
      const keys = await Promise.all(
        published.map(async ({ id, publicKey }) => ({ ...(await exportJWK(publicKey)), kid: id })),
      )
      const discovery = { issuer: named, jwks_uri: `${settings.issuer}/keys` }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(request.url === '/keys' ? { keys } : discovery))
    })()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  named = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  settings = {
    issuer: named,
    audience: 'millrace',
    algorithms: ['ES256'],
    clockSkewSeconds: 30,
    tenantClaim: 'tenant',
    rolesClaim: 'realm.roles',
    kindsClaim: 'scope',
    roleOf: { sre: 'operator', viewer: 'viewer' },
  }
})
afterAll(() => server.close())

const good = { sub: 'u1', email: 'ann@example.org', tenant: 'acme', realm: { roles: ['sre', 'x'] } }
const nowMs = Date.UTC(2026, 0, 1)
const seconds = nowMs / 1000

interface Made {
  readonly claims?: JWTPayload
  readonly by?: Pair
  readonly issuer?: string
  readonly audience?: string
  readonly expires?: number
  readonly from?: number
}

const token = (made: Made = {}): Promise<string> =>
  new SignJWT({ scope: 'metrics logs', ...good, ...made.claims })
    .setProtectedHeader({ alg: 'ES256', kid: (made.by ?? current).id })
    .setIssuer(made.issuer ?? settings.issuer)
    .setAudience(made.audience ?? 'millrace')
    .setNotBefore(made.from ?? seconds)
    .setExpirationTime(made.expires ?? seconds + 60)
    .sign((made.by ?? current).privateKey)

const verifier = (part: Partial<TokenSettings> = {}, clock = () => nowMs) =>
  createTokenVerifier({ ...settings, ...part }, { nowMs: clock })

it('is who its claims say', async () => {
  expect(await verifier().verify(await token())).toEqual({
    via: 'token',
    id: 'user:u1',
    name: 'ann@example.org',
    tenants: 'acme',
    roles: ['operator'],
    kinds: ['metrics', 'logs'],
  })
})

describe('is refused', () => {
  const refuse = async (made: Made, part: Partial<TokenSettings> = {}) =>
    expect(verifier(part).verify(await token(made))).rejects
  it.each([
    { title: 'from another issuer', made: { issuer: 'https://other.example' } },
    { title: 'for another audience', made: { audience: 'others' } },
    { title: 'expired beyond the skew', made: { expires: seconds - 31 } },
    { title: 'from too far ahead', made: { from: seconds + 31 } },
  ])('$title: 401', async ({ made }) => {
    await (await refuse(made)).toMatchObject({ code: 'credentials-refused' })
  })

  it.each([
    { title: 'expired within the skew', made: { expires: seconds - 29 } },
    { title: 'a little early', made: { from: seconds + 29 } },
  ])('not when $title', async ({ made }) => {
    expect(await verifier().verify(await token(made))).toMatchObject({ id: 'user:u1' })
  })

  it('signed by another key of the same name', async () => {
    const other = await pair('one')
    await (await refuse({ by: other })).toMatchObject({ code: 'credentials-refused' })
  })

  it('signed in a way that is not taken', async () => {
    const other = { algorithms: ['RS256'] }
    await (await refuse({}, other)).toMatchObject({ code: 'credentials-refused' })
  })

  it('not signed at all', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { ...good, iss: settings.issuer, aud: 'millrace', exp: seconds + 60 }
    const bare = `${part({ alg: 'none' })}.${part(claims)}.AA`
    await expect(verifier().verify(bare)).rejects.toMatchObject({ code: 'credentials-refused' })
  })

  it.each([
    { title: 'no tenant', claims: { tenant: undefined } },
    { title: 'no name of one', claims: { tenant: 'a b' } },
    { title: 'a list of tenants', claims: { tenant: ['acme'] } },
  ])('with $title: 403', async ({ claims }) => {
    await (await refuse({ claims })).toMatchObject({ code: 'not-allowed' })
  })
})

describe('the issuer', () => {
  it('is asked once for many tokens', async () => {
    const one = verifier()
    const text = await token()
    await one.verify(text)
    const before = asked
    await Promise.all(Array.from({ length: 20 }, () => one.verify(text)))
    expect(asked).toBe(before)
  })

  it('is not asked again and again for keys that it does not have', async () => {
    const one = verifier()
    await one.verify(await token())
    const forged = await pair('forged')
    const text = await token({ by: forged })
    const before = asked
    for (let tries = 0; tries < 5; tries += 1) {
      await expect(one.verify(text)).rejects.toMatchObject({ code: 'credentials-refused' })
    }
    expect(asked - before).toBeLessThanOrEqual(1)
  })

  it('that names itself otherwise gives nothing: 503', async () => {
    named = 'https://other.example'
    const answer = verifier().verify(await token())
    await expect(answer).rejects.toMatchObject({ code: 'identity-unavailable' })
    named = settings.issuer
  })

  it('that is away is asked again a moment later', async () => {
    let clockMs = nowMs
    named = 'https://other.example'
    const one = verifier({}, () => clockMs)
    await expect(one.verify(await token())).rejects.toMatchObject({ status: 503 })
    named = settings.issuer
    await expect(one.verify(await token())).rejects.toMatchObject({ status: 503 })
    clockMs += 6_000
    expect(await one.verify(await token())).toMatchObject({ id: 'user:u1' })
  })
})

it('finds the keys that an issuer has changed to', async () => {
  const next = await pair('two')
  published = [current, next]
  expect(await verifier().verify(await token({ by: next }))).toMatchObject({ id: 'user:u1' })
})

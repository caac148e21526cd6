import { describe, expect, it } from 'vitest'
import { authorize, Identity, type IdentityOptions } from './identity.ts'
import { isLoopback } from './local-access.ts'
import { allows, isTenantName, ROLES, type Access, type Grant } from './principal.ts'
import { ringOf, testKey } from './testing/test-keys.ts'

const key = testKey({ tenant: 'acme', roles: ['viewer'], kinds: ['metrics'] })

const identityOf = (part: Partial<IdentityOptions> = {}) =>
  new Identity({
    keys: ringOf(key),
    keysLoaded: () => true,
    tokens: undefined,
    host: '127.0.0.1',
    anonymous: true,
    nowMs: () => 0,
    ...part,
  })

const grantOf = (part: Partial<Grant> = {}): Grant => ({
  via: 'key',
  id: 'key:1',
  name: 'one',
  tenants: 'acme',
  roles: [],
  kinds: [],
  ...part,
})

describe('without a key', () => {
  it.each([
    { title: 'a program of this machine', headers: {} },
    { title: 'one that says localhost', headers: { host: 'localhost:8080' } },
    { title: 'one that says [::1]', headers: { host: '[::1]:8080' } },
    {
      title: 'a page of this machine',
      headers: { host: '127.0.0.1', origin: 'http://localhost:3000' },
    },
  ])('$title is let in on loopback', ({ headers }) => {
    expect(identityOf().authenticate(headers)).toMatchObject({ via: 'anonymous', tenants: '*' })
  })

  it.each([
    { title: 'what a proxy passes on', headers: { 'x-forwarded-for': '10.0.0.1' } },
    { title: 'what another proxy passes on', headers: { forwarded: 'for=10.0.0.1' } },
    { title: 'a name that was bent to 127.0.0.1', headers: { host: 'evil.example:8080' } },
    { title: 'a page from elsewhere', headers: { origin: 'https://evil.example' } },
    { title: 'a page that does not say whence', headers: { origin: 'null' } },
  ])('$title is not', ({ headers }) => {
    expect(() => identityOf().authenticate(headers)).toThrow(
      expect.objectContaining({ code: 'credentials-missing', status: 401 }),
    )
  })

  it.each([
    { title: 'on all addresses', part: { host: '0.0.0.0' } },
    { title: 'on an address of a network', part: { host: '192.168.1.2' } },
    { title: 'where a key is always asked for', part: { anonymous: false } },
  ])('nobody is let in $title', ({ part }) => {
    expect(() => identityOf(part).authenticate({})).toThrow(
      expect.objectContaining({ code: 'credentials-missing' }),
    )
  })

  it('and without any key there is, the answer says how to make one', () => {
    const closed = { host: '0.0.0.0', keys: ringOf() }
    expect(() => identityOf(closed).authenticate({})).toThrow(/millrace keys create/)
    expect(() => identityOf({ host: '0.0.0.0' }).authenticate({})).toThrow(/^Send an API key[^;]*$/)
  })
})

describe('with a key', () => {
  it('is who the key says, on loopback, too', () => {
    const found = identityOf().authenticate({ 'x-api-key': key.key })
    expect(found).toMatchObject({ id: `key:${key.entry.id}`, tenants: 'acme' })
  })

  it('is refused on loopback, too, when the key is wrong', () => {
    expect(() => identityOf().authenticate({ 'x-api-key': testKey().key })).toThrow(
      expect.objectContaining({ code: 'credentials-refused', status: 401 }),
    )
  })

  it('waits until keys are loaded', () => {
    const loading = identityOf({ keysLoaded: () => false })
    expect(loading.ready()).toMatch(/not loaded/)
    expect(() => loading.authenticate({ 'x-api-key': key.key })).toThrow(
      expect.objectContaining({ status: 503 }),
    )
  })

  it('that is a token, without an issuer, is refused', async () => {
    const answer = identityOf().authenticate({ authorization: 'Bearer a.b.c' })
    await expect(answer).rejects.toMatchObject({ status: 401 })
  })
})

describe('the tenant', () => {
  const open: Access = { role: 'viewer' }
  const one = grantOf({ roles: ['viewer'] })
  const all = grantOf({ roles: ['viewer'], tenants: '*' })

  it.each([
    { title: 'of a key', grant: one, asked: [], tenant: 'acme' },
    { title: 'of a key that is named', grant: one, asked: ['acme'], tenant: 'acme' },
    { title: 'named twice', grant: one, asked: ['acme', 'acme'], tenant: 'acme' },
    { title: 'of a key for all', grant: all, asked: [], tenant: 'default' },
    { title: 'chosen by a key for all', grant: all, asked: ['beta'], tenant: 'beta' },
  ])('$title is $tenant', ({ grant, asked, tenant }) => {
    expect(authorize(grant, open, asked).tenant).toBe(tenant)
  })

  it.each([
    { title: 'another', grant: one, asked: ['beta'], status: 403 },
    { title: 'all', grant: one, asked: ['*'], status: 403 },
    { title: 'in other letters', grant: one, asked: ['ACME'], status: 403 },
    { title: 'its own and another', grant: one, asked: ['acme', 'beta'], status: 400 },
    { title: 'none by an empty name', grant: all, asked: [''], status: 400 },
    { title: 'all as one', grant: all, asked: ['*'], status: 400 },
  ])('$title: $status', ({ grant, asked, status }) => {
    expect(() => authorize(grant, open, asked)).toThrow(expect.objectContaining({ status }))
  })

  it('of what is written has a name that is the same everywhere', () => {
    const writer = grantOf({ kinds: ['logs'], tenants: '*' })
    expect(() => authorize(writer, { writes: 'logs' }, ['a\u001fb'])).toThrow(
      expect.objectContaining({ code: 'tenant-invalid' }),
    )
  })

  it.each(['a', 'a.b', 'replay-1', 'A_b', '9'])('may be called %s', (name) => {
    expect(isTenantName(name)).toBe(true)
  })
  it.each(['', '*', '.a', 'a b', 'ä', 'a/b', 'a\n', 'a'.repeat(129)])('may not be %j', (name) => {
    expect(isTenantName(name)).toBe(false)
  })
})

describe('what is allowed', () => {
  it.each(ROLES.flatMap((has) => ROLES.map((needs) => ({ has, needs }))))(
    'a role $has where $needs is needed',
    ({ has, needs }) => {
      const expected = ROLES.indexOf(has) >= ROLES.indexOf(needs)
      expect(allows(grantOf({ roles: [has] }), { role: needs })).toBe(expected)
    },
  )

  it('a role writes nothing, and what writes reads nothing', () => {
    expect(allows(grantOf({ roles: ['admin'] }), { writes: 'logs' })).toBe(false)
    expect(allows(grantOf({ kinds: ['logs'] }), { writes: 'metrics' })).toBe(false)
    expect(allows(grantOf({ kinds: ['logs'] }), { writes: 'logs' })).toBe(true)
    expect(allows(grantOf({ kinds: ['logs'] }), { role: 'viewer' })).toBe(false)
  })
})

it.each([
  { host: '127.0.0.1', is: true },
  { host: '127.8.8.8', is: true },
  { host: '::1', is: true },
  { host: 'localhost', is: true },
  { host: '0.0.0.0', is: false },
  { host: '::', is: false },
  { host: '10.0.0.1', is: false },
  { host: '127.0.0.1.example.org', is: false },
])('$host is loopback: $is', ({ host, is }) => {
  expect(isLoopback(host)).toBe(is)
})

describe('a key whose secret was wrong a hundred times', () => {
  const answers = (identity: Identity, shown: string, address: string): string => {
    try {
      void identity.authenticate({ 'x-api-key': shown }, address)
      return 'in'
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  it('waits at that address before another is looked at, the right one too, and nobody else does', () => {
    const clock = { nowMs: 0 }
    const [asked, other] = [testKey(), testKey()]
    const identity = identityOf({ keys: ringOf(asked, other), nowMs: () => clock.nowMs })
    const wrong = `mlr_${asked.entry.id}_${'A'.repeat(43)}`
    const tries = Array.from({ length: 101 }, () => answers(identity, wrong, '192.0.2.1'))
    expect(tries.slice(99)).toEqual(['credentials-refused', 'too-many-refusals'])
    expect(answers(identity, asked.key, '192.0.2.1')).toBe('too-many-refusals')
    expect(answers(identity, asked.key, '192.0.2.2')).toBe('in')
    expect(answers(identity, other.key, '192.0.2.1')).toBe('in')
    clock.nowMs = 1_000
    expect(answers(identity, wrong, '192.0.2.1')).toBe('credentials-refused')
    expect(answers(identity, wrong, '192.0.2.1')).toBe('too-many-refusals')
    clock.nowMs = 2_000
    expect(answers(identity, asked.key, '192.0.2.1')).toBe('in')
  })
})

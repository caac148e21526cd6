import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createApiKey, parseApiKey } from './api-key.ts'
import { credentialsOf } from './credentials.ts'

const key = `mlr_0123456789ab_${'x'.repeat(43)}`
const parsed = { kind: 'key', key: { id: '0123456789ab', secret: 'x'.repeat(43) } }
const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`

describe('credentials', () => {
  it.each([
    { title: 'nothing', headers: {}, found: { kind: 'none' } },
    { title: 'X-API-Key', headers: { 'x-api-key': key }, found: parsed },
    { title: 'X-API-Key with blanks around', headers: { 'x-api-key': ` ${key} ` }, found: parsed },
    { title: 'Bearer', headers: { authorization: `Bearer ${key}` }, found: parsed },
    { title: 'bearer', headers: { authorization: `bearer  ${key}` }, found: parsed },
    { title: 'a password', headers: { authorization: basic(`prometheus:${key}`) }, found: parsed },
    { title: 'no user', headers: { authorization: basic(`:${key}`) }, found: parsed },
    {
      title: 'a token',
      headers: { authorization: 'Bearer aa.bb.cc' },
      found: { kind: 'token', token: 'aa.bb.cc' },
    },
  ])('are found in $title', ({ headers, found }) => {
    expect(credentialsOf(headers)).toEqual(found)
  })

  it.each([
    { title: 'an empty key', headers: { 'x-api-key': '' } },
    { title: 'a key cut short', headers: { 'x-api-key': key.slice(0, -1) } },
    { title: 'a key with something behind', headers: { 'x-api-key': `${key}x` } },
    { title: 'two keys', headers: { 'x-api-key': `${key}, ${key}` } },
    { title: 'a list of keys', headers: { 'x-api-key': [key, key] } },
    { title: 'two headers', headers: { 'x-api-key': key, authorization: `Bearer ${key}` } },
    { title: 'an empty Authorization', headers: { authorization: '' } },
    { title: 'a scheme without value', headers: { authorization: 'Bearer' } },
    { title: 'another scheme', headers: { authorization: `Digest ${key}` } },
    { title: 'a token of two parts', headers: { authorization: 'Bearer aa.bb' } },
    { title: 'a long token', headers: { authorization: `Bearer ${'a'.repeat(9000)}.b.c` } },
    { title: 'a login without colon', headers: { authorization: basic('user') } },
    { title: 'a login that is no base64', headers: { authorization: 'Basic ***' } },
    { title: 'another password', headers: { authorization: basic('user:secret') } },
  ])('are malformed with $title', ({ headers }) => {
    expect(credentialsOf(headers).kind).toBe('malformed')
  })

  it('never throw, and never say what they were given', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string().map((value) => `Bearer ${value}`),
      fc.string().map((value) => `Basic ${value}`),
      fc.string().map((login) => basic(login)),
      fc.string().map((value) => `mlr_${value}`),
    )
    const value = fc.option(text, { nil: undefined })
    fc.assert(
      fc.property(value, value, (apiKey, authorization) => {
        const found = credentialsOf({
          ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
          ...(authorization === undefined ? {} : { authorization }),
        })
        if (found.kind !== 'malformed') return
        const given = (authorization ?? apiKey ?? '').split(' ').at(-1) ?? ''
        if (given.length > 12) expect(found.why).not.toContain(given)
      }),
    )
  })
})

describe('a new key', () => {
  it('is of the form that is read, and different each time', () => {
    const keys = Array.from({ length: 50 }, () => createApiKey())
    expect(new Set(keys.map((one) => one.key.reveal())).size).toBe(50)
    for (const one of keys) expect(parseApiKey(one.key.reveal())?.id).toBe(one.id)
  })

  it('does not show itself', () => {
    const made = createApiKey()
    expect(JSON.stringify(made)).not.toContain(made.key.reveal())
    expect(made.secretSha256).toMatch(/^[0-9a-f]{64}$/)
  })
})

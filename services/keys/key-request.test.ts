import { describe, expect, it } from 'vitest'
import { hashOfSecret, parseApiKey } from '../shared/identity/api-key.ts'
import { expiryOf, newKey, type KeyRequest } from './key-request.ts'

const nowMs = Date.UTC(2026, 0, 1)
const asked: KeyRequest = {
  tenant: 'acme',
  name: 'prometheus',
  kinds: 'metrics',
  expires: 'never',
  actor: 'ann',
}

it('a new key is stored as a hash, with who made it', () => {
  const { entry, key } = newKey({ ...asked, roles: 'viewer', reason: 'trial' }, nowMs)
  const { id, secret } = parseApiKey(key.reveal())!
  expect(entry).toEqual({
    timestamp: nowMs,
    tenant: 'acme',
    id,
    name: 'prometheus',
    secretSha256: hashOfSecret(secret).toString('hex'),
    roles: ['viewer'],
    kinds: ['metrics'],
    expires: null,
    state: 'active',
    actor: 'ann',
    reason: 'trial',
  })
})

it('all is every kind', () => {
  expect(newKey({ ...asked, kinds: 'all' }, nowMs).entry.kinds).toHaveLength(6)
})

describe('is refused', () => {
  it.each([
    { title: 'a tenant with blanks', part: { tenant: 'a b' }, says: /--tenant/ },
    { title: 'no name', part: { name: ' ' }, says: /--name/ },
    { title: 'a name that draws', part: { name: 'a\u001b[2J' }, says: /--name/ },
    { title: 'a role that is none', part: { roles: 'king' }, says: /--roles has "king"/ },
    { title: 'a kind that is none', part: { kinds: 'metrics,gold' }, says: /--kinds has "gold"/ },
    { title: 'a key that may do nothing', part: { kinds: '' }, says: /may do nothing/ },
    { title: 'an end that is past', part: { expires: '2020-01-01' }, says: /--expires/ },
    { title: 'an end of no time', part: { expires: '0d' }, says: /--expires/ },
    { title: 'an end in words', part: { expires: 'soon' }, says: /--expires/ },
  ])('$title', ({ part, says }) => {
    expect(() => newKey({ ...asked, ...part }, nowMs)).toThrow(says)
  })
})

it.each([
  { text: '30m', ms: 30 * 60_000 },
  { text: '12h', ms: 12 * 3_600_000 },
  { text: '90d', ms: 90 * 86_400_000 },
  { text: '2026-01-02', ms: 86_400_000 },
  { text: '2026-01-01T00:00:01Z', ms: 1000 },
])('$text ends $ms ms from now', ({ text, ms }) => {
  expect(expiryOf(text, nowMs)).toBe(nowMs + ms)
})

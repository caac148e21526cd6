import { describe, expect, it } from 'vitest'
import { controlKeys } from '../../../schemas/topics.ts'
import { parseApiKey } from './api-key.ts'
import { ringOf, testKey, type TestKey } from './testing/test-keys.ts'

const parsed = ({ key }: TestKey) => parseApiKey(key)!
const why = 'there is no such key'

describe('a key', () => {
  it('grants what it was made for', () => {
    const key = testKey({ tenant: 'acme', roles: ['viewer', 'king'], kinds: ['logs', 'gold'] })
    expect(ringOf(key).check(parsed(key), 0)).toEqual({
      kind: 'grant',
      grant: {
        via: 'key',
        id: `key:${key.entry.id}`,
        name: 'a test',
        tenants: 'acme',
        roles: ['viewer'],
        kinds: ['logs'],
      },
    })
  })

  it.each([
    { title: 'the moment before it expires', atMs: 99, kind: 'grant' },
    { title: 'when it expires', atMs: 100, kind: 'refused' },
    { title: 'after that', atMs: 101, kind: 'refused' },
  ])('$title: $kind', ({ atMs, kind }) => {
    const key = testKey({ expires: 100 })
    expect(ringOf(key).check(parsed(key), atMs).kind).toBe(kind)
  })

  it('is unknown, and its secret wrong, in the same words', () => {
    const [key, other] = [testKey(), testKey()]
    const wrong = { id: key.entry.id, secret: parsed(other).secret }
    expect(ringOf(key).check(wrong, 0)).toEqual({ kind: 'refused', why })
    expect(ringOf(key).check(parsed(other), 0)).toEqual({ kind: 'refused', why })
  })

  it('that was revoked stays so, and only its holder learns of it', () => {
    const key = testKey()
    const ring = ringOf(key, { ...key, entry: { ...key.entry, state: 'revoked' } }, key)
    expect(ring.check(parsed(key), 0)).toMatchObject({ why: expect.stringContaining('revoked') })
    const wrong = { id: key.entry.id, secret: parsed(testKey()).secret }
    expect(ring.check(wrong, 0)).toEqual({ kind: 'refused', why })
  })

  it.each(['', 'abc', 'g'.repeat(64), 'A'.repeat(64)])(
    'with the hash "%s" is not taken',
    (hash) => {
      const key = testKey({ secretSha256: hash })
      expect(ringOf(key).size).toBe(0)
    },
  )

  it.each([
    { title: 'lost after it was made', lostFirst: false },
    { title: 'lost before it came again', lostFirst: true },
  ])('of which an entry is $title is refused', ({ lostFirst }) => {
    const key = testKey()
    const ring = ringOf(...(lostFirst ? [] : [key]))
    ring.lose(controlKeys.keyOf(key.entry))
    if (lostFirst) ring.add(key.entry)
    expect(ring.check(parsed(key), 0)).toMatchObject({ why: expect.stringContaining('revoked') })
  })

  it.each(['', 'acme', 'acme\u001f', 'rubbish'])(
    'is not harmed by a lost entry of nobody: "%s"',
    (recordKey) => {
      const key = testKey()
      const ring = ringOf(key)
      ring.lose(recordKey)
      expect(ring.size).toBe(1)
      expect(ring.check(parsed(key), 0).kind).toBe('grant')
    },
  )

  it('in a state nobody knows is not active', () => {
    const key = testKey({ state: 'sleeping' })
    expect(ringOf(key).check(parsed(key), 0).kind).toBe('refused')
  })
})

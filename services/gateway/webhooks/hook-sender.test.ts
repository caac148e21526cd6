import { describe, expect, it } from 'vitest'
import type { Principal } from '../../shared/identity/principal.ts'
import { Secret } from '../../shared/secret.ts'
import { hookSender, type HookSenderOptions } from './hook-sender.ts'

const secrets = ['first', 'second'].map((text) => ({
  tenant: `of-${text}`,
  secret: new Secret(text),
}))
const proof = (right: string) => ({
  name: 'X-Gitlab-Token',
  isRight: (secret: string) => secret === right,
})
const anonymous: Principal = {
  via: 'anonymous',
  id: 'anonymous',
  name: 'anonymous',
  tenant: 'default',
  tenants: '*',
  roles: [],
  kinds: ['deployments'],
}
const withKey: Principal = { ...anonymous, via: 'key', tenant: 'acme' }
const none = { proof: undefined, guarded: undefined, secrets: [] }
const sender = (options: Partial<HookSenderOptions>) =>
  hookSender({ source: 'gitlab', ...none, ...options })

it.each([
  {
    title: 'who proves the secret of a tenant',
    options: { secrets, proof: proof('second') },
    tenant: 'of-second',
  },
  {
    title: 'a proof before the key of another',
    options: { secrets, proof: proof('first'), guarded: withKey },
    tenant: 'of-first',
  },
  { title: 'a key instead of a proof', options: { secrets, guarded: withKey }, tenant: 'acme' },
  {
    title: 'anybody here while there is no secret',
    options: { guarded: anonymous },
    tenant: 'default',
  },
])('takes $title', ({ options, tenant }) => {
  expect(sender(options).tenant).toBe(tenant)
})

describe('refuses', () => {
  it.each([
    {
      title: 'a wrong proof',
      options: { secrets, proof: proof('third') },
      code: 'credentials-refused',
    },
    {
      title: 'a wrong proof with a good key',
      options: { secrets, proof: proof('third'), guarded: withKey },
      code: 'credentials-refused',
    },
    {
      title: 'a proof that nothing can check',
      options: { proof: proof('first'), guarded: anonymous },
      code: 'credentials-refused',
    },
    { title: 'nobody', options: { secrets }, code: 'credentials-missing' },
    {
      title: 'this machine without proof where there is a secret',
      options: { secrets, guarded: anonymous },
      code: 'credentials-missing',
    },
  ])('$title', ({ options, code }) => {
    expect(() => sender(options)).toThrow(expect.objectContaining({ code, status: 401 }))
  })
})

it('compares every secret, also behind the right one', () => {
  const seen: string[] = []
  const isRight = (secret: string) => seen.push(secret) === 1
  sender({ secrets, proof: { name: 'X', isRight } })
  expect(seen).toEqual(['first', 'second'])
})

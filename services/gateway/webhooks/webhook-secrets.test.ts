import { expect, it } from 'vitest'
import { Secret } from '../../shared/secret.ts'
import { webhookSecrets } from './webhook-secrets.ts'

it('has those of a source as they are by now', () => {
  const live = { last: new Secret('the first secret') }
  const secrets = webhookSecrets([
    { source: 'github', tenant: 'a', secret: live },
    { source: 'gitlab', tenant: 'b', secret: { last: new Secret('of another source') } },
    { source: 'github', tenant: 'c', secret: { last: undefined } },
  ])
  const found = () => secrets.of('github').map(({ tenant, secret }) => [tenant, secret.reveal()])
  expect(found()).toEqual([['a', 'the first secret']])
  live.last = new Secret('another one, also long')
  expect(found()).toEqual([['a', 'another one, also long']])
  expect(secrets.of('argocd')).toEqual([])
})

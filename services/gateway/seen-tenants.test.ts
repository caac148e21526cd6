import { expect, it } from 'vitest'
import { SeenTenants } from './seen-tenants.ts'

const HOUR_MS = 3_600_000

const tenants = () => {
  let nowMs = 0
  const seenTenants = new SeenTenants({
    recordOf: ({ tenant }) => ({
      topic: 'control.tenants',
      partition: 0,
      key: Buffer.from(tenant),
      value: Buffer.alloc(0),
    }),
    nowMs: () => nowMs,
  })
  return {
    said: (tenant: string) => seenTenants.word(tenant)?.key.toString(),
    wait: (ms: number) => {
      nowMs += ms
    },
  }
}

it('says who sends, at first sight and then every six hours', () => {
  const { said, wait } = tenants()
  expect(said('acme')).toBe('acme')
  expect(said('shop')).toBe('shop')
  expect(said('acme')).toBeUndefined()
  wait(6 * HOUR_MS - 1)
  expect(said('acme')).toBeUndefined()
  wait(1)
  expect(said('acme')).toBe('acme')
})

it.each(['replay-june', 'sim-fire'])('leaves %s its own clock', (tenant) => {
  expect(tenants().said(tenant)).toBeUndefined()
})

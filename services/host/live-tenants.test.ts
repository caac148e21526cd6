import { expect, it } from 'vitest'
import { LiveTenants, MAX_LIVE_TENANTS } from './live-tenants.ts'

const DAY_MS = 86_400_000

it('has those of the configuration for ever, and those that were seen for two days', () => {
  const tenants = new LiveTenants(['default'])
  tenants.add({ tenant: 'acme', timestamp: 0 })
  tenants.add({ tenant: 'default', timestamp: 0 })
  tenants.add({ tenant: 'shop', timestamp: DAY_MS })
  expect(tenants.at(2 * DAY_MS)).toEqual(['default', 'acme', 'shop'])
  expect(tenants.at(2 * DAY_MS + 1)).toEqual(['default', 'shop'])
  tenants.add({ tenant: 'acme', timestamp: 2 * DAY_MS })
  expect(tenants.at(4 * DAY_MS)).toEqual(['default', 'acme'])
})

it('has room for so many, and for those it knows', () => {
  const tenants = new LiveTenants(['default'])
  for (let count = 1; count < MAX_LIVE_TENANTS; count++) {
    expect(tenants.add({ tenant: `t${String(count)}`, timestamp: 0 })).toBe(true)
  }
  expect(tenants.add({ tenant: 'one more', timestamp: 0 })).toBe(false)
  expect(tenants.add({ tenant: 't1', timestamp: 1 })).toBe(true)
  expect(tenants.at(1)).toHaveLength(MAX_LIVE_TENANTS)
})

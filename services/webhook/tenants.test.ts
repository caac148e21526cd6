import { expect, it } from 'vitest'
import { readConfig } from '../shared/config.ts'
import { isWanted } from './tenants.ts'

const patternsOf = (list?: string): readonly string[] =>
  readConfig({ WEBHOOK_URL: 'http://127.0.0.1/hook', WEBHOOK_TENANTS: list }).webhook?.tenants ?? []

it.each([
  { tenant: 'default', list: undefined, wanted: true },
  { tenant: 'acme', list: undefined, wanted: true },
  { tenant: 'replay-nab', list: undefined, wanted: false },
  { tenant: 'sim-blackout', list: undefined, wanted: false },
  { tenant: 'replay', list: undefined, wanted: true },
  { tenant: 'acme', list: 'default', wanted: false },
  { tenant: 'acme', list: 'default,acme', wanted: true },
  { tenant: 'replay-nab', list: 'default,replay-nab', wanted: true },
  { tenant: 'replay-nab', list: '*', wanted: true },
  { tenant: 'acme-test', list: 'acme-*,!*-test', wanted: false },
  { tenant: 'acme-test', list: '!*-test,acme-*', wanted: false },
  { tenant: 'acme-live', list: 'acme-*,!*-test', wanted: true },
])('$tenant with WEBHOOK_TENANTS=$list: $wanted', ({ tenant, list, wanted }) => {
  expect(isWanted(tenant, patternsOf(list))).toBe(wanted)
})

import { describe, expect, it } from 'vitest'
import type { ConfigEntry } from '../../schemas/generated/control-config.ts'
import { matchesGlob } from './glob.ts'
import { emptySettingsTable, foldSettings, rejectedFor, rulesFor } from './settings-table.ts'
import { parseSettings, ruleIndexFor } from './settings.ts'

describe('name patterns', () => {
  it.each([
    { pattern: '*', text: 'anything', matches: true },
    { pattern: '*', text: '', matches: true },
    { pattern: 'http.*', text: 'http.duration', matches: true },
    { pattern: 'http.*', text: 'https.duration', matches: false },
    { pattern: '*.duration', text: 'http.server.duration', matches: true },
    { pattern: 'a*b*c', text: 'aXbYbZc', matches: true },
    { pattern: 'a*b*c', text: 'aXbYbZ', matches: false },
    { pattern: 'cpu?', text: 'cpu0', matches: true },
    { pattern: 'cpu?', text: 'cpu10', matches: false },
    { pattern: 'a.c', text: 'abc', matches: false },
    { pattern: '(x', text: '(x', matches: true },
    { pattern: 'exact', text: 'exactly', matches: false },
  ])('$pattern on $text: $matches', ({ pattern, text, matches }) => {
    expect(matchesGlob(pattern, text)).toBe(matches)
  })

  it('are never slow', () => {
    expect(matchesGlob('a*'.repeat(50) + 'b', 'a'.repeat(5_000))).toBe(false)
  })
})

describe('the body of an entry', () => {
  it.each([
    { title: 'no JSON', body: '{', says: /JSON/ },
    { title: 'no object', body: '[]', says: /the body must be object/ },
    { title: 'no rules', body: '{}', says: /rules/ },
    {
      title: 'a misspelt field',
      body: '{"rules":[{"sensitivty":2}]}',
      says: /rules\[0\].*sensitivty/,
    },
    {
      title: 'a detector that is none',
      body: '{"rules":[{"detector":"magic"}]}',
      says: /rules\[0\]\.detector/,
    },
    {
      title: 'sensitivity 0',
      body: '{"rules":[{"sensitivity":0}]}',
      says: /rules\[0\]\.sensitivity must be > 0/,
    },
    {
      title: 'a negative change',
      body: '{"rules":[{"minAbsoluteChange":-1}]}',
      says: /minAbsoluteChange/,
    },
    { title: 'a sample too few', body: '{"rules":[{"minSamples":1}]}', says: /minSamples/ },
    {
      title: 'thresholds that do not rise',
      body: '{"rules":[{},{"thresholds":{"high":2}}]}',
      says: /rules\[1\]: thresholds must rise/,
    },
    {
      title: 'a ratio that is none',
      body: '{"rules":[{"detector":"ewma-ratio","thresholds":{"low":0.5}}]}',
      says: /above 1/,
    },
  ])('is refused for $title', ({ body, says }) => {
    expect(parseSettings(body)).toMatchObject({
      kind: 'invalid',
      reason: expect.stringMatching(says),
    })
  })

  it('may hold every setting', () => {
    const rule = {
      match: { name: 'http.*', labels: { service: 'payment' } },
      detector: 'ewma-ratio',
      sensitivity: 1.5,
      direction: 'both',
      thresholds: { low: 2, medium: 3, high: 5, critical: 10 },
      minAbsoluteChange: 50,
      minRelativeChange: 0.1,
      minSamples: 30,
      recoverySamples: 5,
      holdMs: 120_000,
      noDataMs: 300_000,
      newLevelSamples: 500,
    }
    expect(parseSettings(JSON.stringify({ rules: [rule] }))).toEqual({
      kind: 'valid',
      settings: { rules: [rule] },
    })
  })
})

const entry = (
  version: number,
  body: unknown,
  tenant = 'default',
  scope = 'detectors',
): ConfigEntry => ({
  timestamp: 0,
  tenant,
  scope,
  version,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  actor: 'test',
  reason: null,
})
const tableOf = (...entries: ConfigEntry[]) => entries.reduce(foldSettings, emptySettingsTable)
const series = (name: string, labels: Record<string, string> = {}) => ({
  tenant: 'default',
  name,
  labels,
})
const ruleFor = (
  table: ReturnType<typeof tableOf>,
  name: string,
  labels?: Record<string, string>,
) => {
  const rules = rulesFor(table, 'default')
  return rules.rules[ruleIndexFor(rules, series(name, labels))]!
}

describe('rules', () => {
  it('are the shipped ones at first', () => {
    expect(rulesFor(emptySettingsTable, 'default').version).toBe(0)
    expect(ruleFor(emptySettingsTable, 'latency')).toMatchObject({ sensitivity: 1, minSamples: 10 })
    expect(ruleFor(emptySettingsTable, 'latency').detector?.name).toBe('zscore')
    expect(ruleFor(emptySettingsTable, 'system.cpu.utilization').sensitivity).toBe(0.5)
  })

  it('are chosen by the first match of name and labels, shipped ones last', () => {
    const table = tableOf(
      entry(1, {
        rules: [
          { match: { name: 'http.*', labels: { service: 'payment' } }, sensitivity: 4 },
          { match: { name: 'http.*' }, sensitivity: 3 },
          { match: { name: 'http.ignored' }, sensitivity: 2 },
        ],
      }),
    )
    const sensitivityOf = (name: string, labels?: Record<string, string>) =>
      ruleFor(table, name, labels).sensitivity
    expect(sensitivityOf('http.x', { service: 'payment', zone: 'a' })).toBe(4)
    expect(sensitivityOf('http.x', { service: 'cart' })).toBe(3)
    expect(sensitivityOf('http.ignored')).toBe(3)
    expect(sensitivityOf('other')).toBe(1)
  })

  it('of a tenant go before those of `default` (T1)', () => {
    const table = tableOf(
      entry(1, { rules: [{ sensitivity: 2 }] }),
      entry(7, { rules: [{ sensitivity: 3 }] }, 'replay-x'),
    )
    expect(rulesFor(table, 'replay-x')).toMatchObject({ version: 7 })
    expect(rulesFor(table, 'replay-y')).toMatchObject({ version: 1 })
  })

  it('ignore entries of other scopes', () => {
    expect(tableOf(entry(1, { rules: [] }, 'default', 'policies'))).toBe(emptySettingsTable)
  })

  it('stay in force when the next entry is not valid, and say so (T2)', () => {
    const good = entry(1, { rules: [{ sensitivity: 2 }] })
    const bad = entry(2, { rules: [{ sensitivity: -1 }] })
    const table = tableOf(good, bad)
    expect(rulesFor(table, 'default')).toMatchObject({ version: 1 })
    expect(rejectedFor(table, 'default')).toMatchObject({ version: 2 })
    expect(rejectedFor(tableOf(good, bad, entry(3, { rules: [] })), 'default')).toBeUndefined()
    expect(rejectedFor(table, 'replay-x')).toMatchObject({ version: 2 })
    expect(rejectedFor(tableOf(bad, entry(1, { rules: [] }, 'own')), 'own')).toBeUndefined()
  })

  it('have a hash that knows their content and not how it was written', () => {
    const hashOf = (body: unknown) => rulesFor(tableOf(entry(1, body)), 'default').hash
    const one = hashOf({ rules: [{ sensitivity: 2, direction: 'up' }] })
    expect(hashOf('{ "rules": [ {"direction":"up",   "sensitivity":2.0} ] }')).toBe(one)
    expect(hashOf({ rules: [{ sensitivity: 2, direction: 'down' }] })).not.toBe(one)
    expect(one).toMatch(/^[0-9a-f]{16}$/)
    expect(hashOf({ rules: [] })).toBe(rulesFor(emptySettingsTable, 'default').hash)
  })
})

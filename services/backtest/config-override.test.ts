import { describe, expect, it } from 'vitest'
import { anomalies } from '../../pipelines/anomalies/pipeline.ts'
import { rulesFor, type SettingsTable } from '../../pipelines/anomalies/settings-table.ts'
import type { ConfigEntry } from '../../schemas/generated/control-config.ts'
import { parseOverrides, withConfig } from './config-override.ts'

const parse = (document: unknown, pipeline = 'anomalies') =>
  parseOverrides(typeof document === 'string' ? document : JSON.stringify(document), {
    pipeline,
    file: 'f.json',
  })
const rules = { rules: [{ sensitivity: 2 }] }

describe('a file', () => {
  const entry = { scope: 'detectors', tenant: 'default', body: JSON.stringify(rules) }
  it.each([
    { title: 'the settings alone', document: rules },
    { title: 'an entry', document: { scope: 'detectors', body: rules } },
    { title: 'an entry as it is recorded', document: entry },
    { title: 'a list', document: [{ scope: 'detectors', body: rules }] },
  ])('may hold $title', ({ document }) => {
    expect(parse(document)).toEqual([entry])
  })

  it.each([
    { title: 'no JSON', document: '{', says: 'f.json is not JSON' },
    { title: 'a number', document: 7, says: 'f.json must be an object' },
    { title: 'an empty list', document: [], says: 'f.json: the list holds no entry' },
    {
      title: 'a value that is wrong',
      document: { rules: [{ sensitivity: -1 }] },
      says: 'f.json: rules[0].sensitivity must be > 0',
    },
    {
      title: 'a field that is misspelt',
      document: [{ scope: 'detectors', body: { rules: [{ treshold: 1 }] } }],
      says: /f\.json: \[0\]: rules\[0\].*treshold/,
    },
    {
      title: 'another scope',
      document: { scope: 'weather', body: {} },
      says: "reads no scope 'weather'; it reads: detectors",
    },
    { title: 'no body', document: { scope: 'detectors' }, says: 'f.json: body is missing' },
    {
      title: 'a field that entries lack',
      document: { scope: 'detectors', body: rules, who: 'me' },
      says: "'who' is no field of an entry",
    },
  ])('that holds $title is refused', ({ document, says }) => {
    expect(() => parse(document)).toThrow(says)
  })

  it('is refused for a pipeline without configuration', () => {
    expect(() => parse(rules, 'rollups')).toThrow("'rollups' reads no configuration")
  })
})

it('stands in for the recorded entries of its scope, of all tenants', () => {
  const { globals } = withConfig(anomalies, parse(rules))
  const table = globals['settings']!
  const recorded: ConfigEntry = {
    ...{ timestamp: 0, tenant: 'acme', scope: 'detectors', version: 7, actor: 'a', reason: null },
    body: JSON.stringify({ rules: [{ detector: 'none' }] }),
  }
  const after = table.fold(table.empty, recorded) as SettingsTable
  expect(rulesFor(after, 'acme').rules[0]?.sensitivity).toBe(2)
  expect(rulesFor(anomalies.globals['settings']!.empty as SettingsTable, 'acme').version).toBe(0)
})

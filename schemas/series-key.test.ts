import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SchemaError } from './errors.ts'
import { compositeKey, MAX_KEY_BYTES, parseSeriesKey, seriesId, seriesKey } from './series-key.ts'

const part = fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !s.includes('\u001f'))
const label = part.filter((s) => !s.includes('='))
const value = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\u001f'))
const identity = fc.record({ tenant: part, name: part, labels: fc.dictionary(label, value) })

describe('seriesKey', () => {
  it.each([
    {
      title: 'no labels',
      identity: { tenant: 'default', name: 'cpu', labels: {} },
      key: 'default\u001fcpu',
    },
    {
      title: 'labels sorted, whatever their order in the record',
      identity: { tenant: 't', name: 'n', labels: { b: '2', a: '1', B: '3' } },
      key: 't\u001fn\u001fB=3\u001fa=1\u001fb=2',
    },
    {
      title: 'an = in a value and an empty value',
      identity: { tenant: 't', name: 'n', labels: { q: 'a=b', z: '' } },
      key: 't\u001fn\u001fq=a=b\u001fz=',
    },
    {
      title: 'a label called __proto__',
      identity: { tenant: 't', name: 'n', labels: { ['__proto__']: 'x' } },
      key: 't\u001fn\u001f__proto__=x',
    },
  ])('$title', ({ identity, key }) => {
    expect(seriesKey(identity)).toBe(key)
    expect(parseSeriesKey(key)).toEqual(identity)
  })

  it.each([
    { title: 'an empty tenant', identity: { tenant: '', name: 'n', labels: {} } },
    { title: 'an empty name', identity: { tenant: 't', name: '', labels: {} } },
    { title: 'the separator in a tenant', identity: { tenant: 'a\u001fb', name: 'n', labels: {} } },
    { title: 'the separator in a name', identity: { tenant: 't', name: 'a\u001fb', labels: {} } },
    {
      title: 'the separator in a value',
      identity: { tenant: 't', name: 'n', labels: { a: 'x\u001fb=1' } },
    },
    { title: 'a = in a label name', identity: { tenant: 't', name: 'n', labels: { 'a=b': 'c' } } },
    { title: 'an empty label name', identity: { tenant: 't', name: 'n', labels: { '': 'c' } } },
  ])('refuses $title', ({ identity }) => {
    expect(() => seriesKey(identity)).toThrow(SchemaError)
  })

  it('takes keys up to 8,192 bytes, and counts bytes', () => {
    const of = (value: string) => seriesKey({ tenant: 't', name: 'n', labels: { a: value } })
    const rest = 't\u001fn\u001fa='.length
    expect(of('x'.repeat(MAX_KEY_BYTES - rest))).toHaveLength(MAX_KEY_BYTES)
    expect(() => of('x'.repeat(MAX_KEY_BYTES - rest + 1))).toThrow(/takes 8193 bytes, at most 8192/)
    expect(() => of('€'.repeat(MAX_KEY_BYTES / 3))).toThrow(SchemaError)
  })

  it('gives different identities different keys, and every key back', () => {
    fc.assert(
      fc.property(identity, (one) => {
        const { tenant, name, labels } = parseSeriesKey(seriesKey(one))
        expect({ tenant, name, labels: Object.entries(labels).sort() }).toEqual({
          tenant: one.tenant,
          name: one.name,
          labels: Object.entries(one.labels).sort(),
        })
      }),
    )
  })

  it.each([
    '',
    't',
    't\u001f',
    't\u001fn\u001f',
    't\u001fn\u001fb=1\u001fa=1',
    't\u001fn\u001fa=1\u001fa=1',
    't\u001fn\u001fx',
    't\u001fn\u001f=x',
    't\u001fn\u001fx\u001fy=1',
  ])('refuses %j as a key', (key) => {
    expect(() => parseSeriesKey(key)).toThrow(SchemaError)
  })
})

describe('seriesId', () => {
  it('is the first half of the SHA-256 of the UTF-8 key', () => {
    // printf 'default\x1fcpu' | sha256sum
    expect(seriesId('default\u001fcpu')).toBe('1f0f194be3f87faa8b2bf98ed35cc149')
  })
})

describe('compositeKey', () => {
  it('joins plain parts and refuses empty ones', () => {
    expect(compositeKey('default', 'detectors')).toBe('default\u001fdetectors')
    expect(() => compositeKey('default', '')).toThrow(SchemaError)
  })
})

/**
 * The identity of a series, and the record key of everything about it:
 *
 *   tenant U+001F name U+001F label=value U+001F ...      labels sorted by UTF-16 code units
 *
 * K1: equal identity <=> equal key. So U+001F is refused in every part and `=` in label names,
 *     rather than escaped: an escape would have to be repeated by every foreign producer, and no
 *     identifier needs either. Label values may hold `=`.
 * K2: no key is empty: tenant, name and label names have at least one character. A label with an
 *     empty value is a label like any other.
 * K3: a key is short. It stands in every record, state row and index entry of its series; one as
 *     long as a record may be would make derived records that no broker takes.
 */
import { createHash } from 'node:crypto'
import { SchemaError } from './errors.ts'
import { KEY_SEPARATOR } from './topic.ts'

/** Some 160 labels of 50 characters. */
export const MAX_KEY_BYTES = 8_192
const MAX_UTF8_BYTES_PER_UNIT = 3

export interface SeriesIdentity {
  readonly tenant: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export const seriesKey = ({ tenant, name, labels }: SeriesIdentity): string => {
  let key = part('tenant', tenant) + KEY_SEPARATOR + part('name', name)
  for (const label of sorted(Object.keys(labels))) {
    const value = labels[label] ?? ''
    if (value.includes(KEY_SEPARATOR)) throw separatorIn(`label '${label}'`, value)
    key += KEY_SEPARATOR + labelName(label) + '=' + value
  }
  return short(key)
}

/** The identity behind a canonical key; refuses a key that `seriesKey` would not have built. */
export const parseSeriesKey = (key: string): SeriesIdentity => {
  const tenantEnd = endOfPart(key, 0)
  const nameEnd = endOfPart(key, tenantEnd + 1)
  const tenant = part('tenant', key.slice(0, tenantEnd))
  const name = part('name', key.slice(tenantEnd + 1, nameEnd))
  const labels: Record<string, string> = {}
  let before = ''
  let end = nameEnd
  while (end < key.length) {
    const start = end + 1
    end = endOfPart(key, start)
    const cut = key.indexOf('=', start)
    if (cut <= start || cut >= end) {
      throw invalid(`label part '${key.slice(start, end)}' of a series key is not name=value`)
    }
    const label = key.slice(start, cut)
    if (label <= before) {
      const shown = printable(key)
      throw invalid(`series key '${shown}' is not canonical (labels unsorted or repeated)`)
    }
    before = label
    setOwn(labels, label, key.slice(cut + 1, end))
  }
  short(key)
  return { tenant, name, labels }
}

const endOfPart = (key: string, start: number): number => {
  const end = key.indexOf(KEY_SEPARATOR, start)
  return end < 0 ? key.length : end
}

/** By UTF-16 code units. Most labels come sorted, and looking costs a tenth of sorting. */
const sorted = (names: string[]): readonly string[] => {
  for (let index = 1; index < names.length; index++) {
    if ((names[index] ?? '') < (names[index - 1] ?? '')) return names.sort()
  }
  return names
}

const setOwn = (labels: Record<string, string>, name: string, value: string): void => {
  if (name !== '__proto__') labels[name] = value
  else Object.defineProperty(labels, name, { ...OWN_PROPERTY, value })
}
const OWN_PROPERTY = { writable: true, enumerable: true, configurable: true }

/** Short, fixed-length identity of a series: 128 bits of the key's SHA-256 as 32 hex digits. */
export const seriesId = (key: string): string =>
  createHash('sha256').update(key, 'utf8').digest('hex').slice(0, 32)

/** A composite key of plain parts, as topics without labels use it. */
export const compositeKey = (...parts: readonly string[]): string =>
  short(
    parts.map((value, index) => part(`key part ${String(index + 1)}`, value)).join(KEY_SEPARATOR),
  )

const short = (key: string): string => {
  if (key.length * MAX_UTF8_BYTES_PER_UNIT <= MAX_KEY_BYTES) return key
  const sizeBytes = Buffer.byteLength(key)
  if (sizeBytes <= MAX_KEY_BYTES) return key
  throw invalid(
    `the key takes ${String(sizeBytes)} bytes, at most ${String(MAX_KEY_BYTES)} are allowed`,
  )
}

const part = (what: string, value: string): string => {
  if (value === '') throw invalid(`${what} is empty`)
  if (value.includes(KEY_SEPARATOR)) throw separatorIn(what, value)
  return value
}

const labelName = (label: string): string => {
  if (label.includes('=')) throw invalid(`label name '${printable(label)}' contains '='`)
  return part('a label name', label)
}

const separatorIn = (what: string, value: string): SchemaError =>
  invalid(`${what} contains U+001F: '${printable(value)}'`)

const invalid = (fact: string): SchemaError =>
  new SchemaError('SERIES_KEY_INVALID', `${fact}; change it at the producer.`)

const printable = (text: string): string => text.slice(0, 200).replaceAll(KEY_SEPARATOR, '\u241f')

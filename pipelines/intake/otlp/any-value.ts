/** Attribute values as text: text as it is, anything else as the JSON it would be. */
import { isGiven, type AnyValue, type KeyValue } from './messages.ts'

export type Attributes = Record<string, string>

export const textOf = (value: AnyValue | null | undefined): string => {
  if (!isGiven(value)) return ''
  if (isGiven(value.stringValue)) return value.stringValue
  if (isGiven(value.bytesValue)) return base64(value.bytesValue)
  return isEmpty(value) ? '' : jsonOf(value)
}

const jsonOf = (value: AnyValue | null | undefined): string => {
  if (!isGiven(value)) return 'null'
  if (isGiven(value.stringValue)) return JSON.stringify(value.stringValue)
  if (isGiven(value.boolValue)) return String(value.boolValue)
  // All digits, also beyond 2^53.
  if (isGiven(value.intValue)) return String(value.intValue)
  if (isGiven(value.doubleValue)) return numberText(value.doubleValue)
  if (isGiven(value.arrayValue)) {
    return `[${(value.arrayValue.values ?? []).map(jsonOf).join(',')}]`
  }
  if (isGiven(value.kvlistValue)) {
    const fields = (value.kvlistValue.values ?? []).map(
      ({ key, value: field }) => `${JSON.stringify(key ?? '')}:${jsonOf(field)}`,
    )
    return `{${fields.join(',')}}`
  }
  if (isGiven(value.bytesValue)) return JSON.stringify(base64(value.bytesValue))
  return 'null'
}

/** JSON has no word for NaN and the infinities; OTLP writes them as text. */
const numberText = (value: number): string =>
  Number.isFinite(value) ? String(value) : JSON.stringify(String(value))

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const isEmpty = ({ boolValue, intValue, doubleValue, arrayValue, kvlistValue }: AnyValue) =>
  !isGiven(boolValue) &&
  !isGiven(intValue) &&
  !isGiven(doubleValue) &&
  !isGiven(arrayValue) &&
  !isGiven(kvlistValue)

/** At most `limit` of them; answers how many were left out. Of a name that comes twice the last value counts. */
export const addAttributes = (
  target: Attributes,
  attributes: readonly KeyValue[] | null | undefined,
  limit: number,
): number => {
  const given = attributes ?? []
  const taken = Math.min(given.length, limit)
  for (let index = 0; index < taken; index++) {
    const { key, value } = given[index]!
    setAttribute(target, key ?? '', textOf(value))
  }
  return given.length - taken
}

/** Not by assignment alone: an attribute may be called __proto__. */
export const setAttribute = (target: Attributes, name: string, value: string): void => {
  if (name !== '__proto__') target[name] = value
  else Object.defineProperty(target, name, { ...OWN_PROPERTY, value })
}
const OWN_PROPERTY = { writable: true, enumerable: true, configurable: true }

/** The first of these names that has a value. */
export const firstOf = (
  attributes: Readonly<Attributes>,
  ...names: readonly string[]
): string | undefined => {
  for (const name of names) {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    if (value !== undefined && value !== '') return value
  }
  return undefined
}

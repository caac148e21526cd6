/**
 * Decoded values as JSON that people and scripts can read: bytes in base64, numbers that JSON does
 * not know (bigint, NaN, infinities) as strings.
 */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export const jsonFormOf = (value: unknown): Json => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return String(value)
    case 'object':
      return value === null ? null : objectForm(value)
    default:
      return null
  }
}

const objectForm = (value: object): Json => {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  }
  if (Array.isArray(value)) return value.map(jsonFormOf)
  // fromEntries defines own properties, so a label named __proto__ stays a label.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([name, part]) => [name, jsonFormOf(part)]),
  )
}

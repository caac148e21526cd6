/** Labels and metadata of plain JSON: names with text. */
import { BadInput } from '../bad-input.ts'
import type { Fields } from '../fields.ts'
import { jsonText } from '../json.ts'

export interface LabelLimits {
  readonly count: number
  readonly name: number
  readonly value: number
  /** All names and texts together: with them a record stays below what brokers take. */
  readonly total: number
}

/** Text as it is, other values as JSON (`200`, `true`, `["a"]`); null is no label. */
export const labelTexts = (
  fields: Fields,
  field: string,
  limits: LabelLimits,
): Map<string, string> => {
  const texts = new Map<string, string>()
  let total = 0
  const entries = fields.optionalObject(field)?.entries() ?? []
  if (entries.length > limits.count) {
    throw new BadInput(field, entries.length, `at most ${String(limits.count)} entries`)
  }
  for (const [name, value] of entries) {
    checkName(field, name, limits)
    const text = textOf(value)
    if (text === undefined) continue
    if (text.length > limits.value) {
      throw new BadInput(`${field}.${name}`, text, `at most ${String(limits.value)} characters`)
    }
    texts.set(name, text)
    total += name.length + text.length
  }
  if (total <= limits.total) return texts
  throw new BadInput(field, total, `at most ${String(limits.total)} characters in all`)
}

const checkName = (field: string, name: string, limits: LabelLimits): void => {
  if (name === '') throw new BadInput(field, name, 'entries whose names are not empty')
  if (name.length <= limits.name) return
  throw new BadInput(field, name, `entries with names of at most ${String(limits.name)} characters`)
}

const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  if (value === null) return undefined
  if (typeof value === 'bigint') return String(value)
  return jsonText(value)
}

/** Service and environment, which plain JSON may give as fields of their own or as labels. */
import { BadInput } from '../bad-input.ts'
import type { Fields } from '../fields.ts'

export const MAX_NAME = 255

/** @throws BadInput when both say something, and not the same */
export const fieldOrLabel = (
  fields: Fields,
  name: 'service' | 'environment',
  labels: ReadonlyMap<string, string>,
): string | undefined => {
  const field = fields.optionalText(name, MAX_NAME)
  const label = labels.get(name)
  if (field === undefined || label === undefined || field === label) return field ?? label
  throw new BadInput(name, field, `the same as the label ${name}, where both are given`)
}

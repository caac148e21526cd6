/** The inverse of `jsonFormOf`: what JSON says in text becomes bytes and numbers again. */
import { partsOf, type AvroType } from '../../pipelines/runtime/avro/index.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const WORDS_FOR_NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

/** What does not fit the type is passed on as it is, for the validation to name it. */
export const valueFromJson = (type: AvroType, json: unknown): unknown => {
  const parts = partsOf(type)
  switch (type.typeName) {
    case 'bytes':
    case 'fixed':
      return typeof json === 'string' && BASE64.test(json) ? Buffer.from(json, 'base64') : json
    case 'float':
    case 'double':
      return typeof json === 'string' ? (WORDS_FOR_NUMBERS[json] ?? json) : json
    case 'array':
      return Array.isArray(json) ? json.map((item) => valueFromJson(parts.itemsType, item)) : json
    case 'map':
      return mapMembers(json, () => parts.valuesType)
    case 'record':
      return mapMembers(json, (name) => parts.fields.find((field) => field.name === name)?.type)
    case 'union:unwrapped':
      return unionValue(parts.types, json)
    default:
      return json
  }
}

const mapMembers = (json: unknown, typeOf: (name: string) => AvroType | undefined): unknown => {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json
  return Object.fromEntries(
    Object.entries(json).map(([name, member]) => {
      const type = typeOf(name)
      return [name, type === undefined ? member : valueFromJson(type, member)]
    }),
  )
}

/** The first branch that takes the value; text stays text where the union has a string. */
const unionValue = (branches: readonly AvroType[], json: unknown): unknown => {
  if (branches.some((branch) => branch.isValid(json))) return json
  for (const branch of branches) {
    const value = valueFromJson(branch, json)
    if (branch.isValid(value)) return value
  }
  // So that the validation names the field inside the only branch that could be meant.
  const [meant, ...others] = branches.filter(({ typeName }) => typeName !== 'null')
  return meant !== undefined && others.length === 0 && json !== null
    ? valueFromJson(meant, json)
    : json
}

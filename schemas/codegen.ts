/** Avro record schema -> the text of a TypeScript module: interfaces, and the schema as a value. */
import { DECIMAL_PRECISION, DECIMAL_SCALE } from './decimal.ts'
import { SchemaError } from './errors.ts'

interface AvroRecord {
  readonly type: 'record'
  readonly name: string
  readonly doc?: string
  readonly fields: readonly {
    readonly name: string
    readonly type: unknown
    readonly doc?: string
  }[]
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  // 2^53 is enough for counts and times; the decoder refuses what is beyond it.
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
}

/** `file` is named in the header, so that a reader finds the source. */
export const moduleOf = (file: string, schema: unknown): string => {
  if (!isRecord(schema)) throw unsupported(file, schema)
  const declarations: string[] = []
  declareRecord(schema, declarations)
  const types = declarations.reverse().join('\n')
  const units = ['DecimalBytes', 'EpochMs', 'EpochUs'].filter((unit) => types.includes(unit))
  const imports = ['AvroSchema', ...units].join(', ')
  return `// Generated from ${file} by schemas/generate.ts; do not edit.
import type { ${imports} } from '../topic.ts'

${types}
/** The Avro schema of ${schema.name}, as it stands in ${file}. */
export const ${camel(schema.name)}Schema: AvroSchema = ${JSON.stringify(schema, null, 2)}
`
}

const declareRecord = (record: AvroRecord, into: string[]): string => {
  const fields = record.fields.map(({ name, type, doc }) => {
    if (doc === undefined) throw undocumented(`${record.name}.${name}`)
    return `/** ${doc} */\nreadonly ${name}: ${typeOf(type, into)}\n`
  })
  into.push(`${comment(record)}export interface ${record.name} {\n${fields.join('')}}\n`)
  return record.name
}

const typeOf = (type: unknown, into: string[]): string => {
  if (typeof type === 'string') {
    const primitive = PRIMITIVES[type]
    if (primitive === undefined) throw unsupported('a field', type)
    return primitive
  }
  if (Array.isArray(type)) return nullLast(type.map((branch: unknown) => typeOf(branch, into)))
  if (isRecord(type)) return declareRecord(type, into)
  if (!isObject(type)) throw unsupported('a field', type)
  switch (type['type']) {
    case 'array':
      return `readonly ${wrapped(typeOf(type['items'], into))}[]`
    case 'map':
      return `Readonly<Record<string, ${typeOf(type['values'], into)}>>`
    case 'enum':
      return declareEnum(type, into)
    case 'long':
      if (type['logicalType'] === 'timestamp-millis') return 'EpochMs'
      if (type['logicalType'] === 'timestamp-micros') return 'EpochUs'
      throw unsupported('a field', type)
    case 'bytes':
      if (isMoney(type)) return 'DecimalBytes'
      throw unsupported('a field', type)
    default:
      throw unsupported('a field', type)
  }
}

/** One kind of decimal for all: amounts of different scales would be added wrongly. */
const isMoney = ({ logicalType, precision, scale }: Record<string, unknown>): boolean =>
  logicalType === 'decimal' && precision === DECIMAL_PRECISION && scale === DECIMAL_SCALE

const declareEnum = (schema: Record<string, unknown>, into: string[]): string => {
  const { name, symbols } = schema
  if (typeof name !== 'string' || !Array.isArray(symbols)) throw unsupported('an enum', schema)
  const union = symbols.map((symbol) => `'${String(symbol)}'`).join(' | ')
  into.push(`${comment(schema)}export type ${name} = ${union}\n`)
  return name
}

/** Avro puts null first for its default; people expect it last. */
const nullLast = (branches: readonly string[]): string =>
  [...branches.filter((b) => b !== 'null'), ...branches.filter((b) => b === 'null')].join(' | ')

const wrapped = (type: string): string => (type.includes(' ') ? `(${type})` : type)

const comment = (schema: { readonly doc?: unknown }): string =>
  typeof schema.doc === 'string' ? `/** ${schema.doc} */\n` : ''

const camel = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isRecord = (value: unknown): value is AvroRecord =>
  isObject(value) &&
  value['type'] === 'record' &&
  typeof value['name'] === 'string' &&
  Array.isArray(value['fields'])

const unsupported = (where: string, schema: unknown): SchemaError =>
  new SchemaError(
    'AVRO_UNSUPPORTED',
    `${where} uses a schema the generator does not know: ${JSON.stringify(schema)}; extend schemas/codegen.ts.`,
  )

const undocumented = (field: string): SchemaError =>
  new SchemaError('AVRO_UNSUPPORTED', `${field} has no doc; say what it is and its unit.`)

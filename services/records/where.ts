/**
 * `--where`: a CEL expression over a record, e.g. `value.severity == "high" && partition == 0`.
 *
 * Avro's ints and longs become CEL ints, its floats and doubles CEL doubles, by schema and not by
 * how a value happens to look: 40.0 must not turn into an int now and then.
 */
import { Environment } from '@marcbachmann/cel-js'
import { partsOf, type AvroType } from '../../pipelines/runtime/avro/index.ts'
import type { AvroSchema } from '../../schemas/topic.ts'
import { messageOf, usageError } from '../shared/errors.ts'
import type { RecordLine } from './record-line.ts'
import type { ReadValue } from './value-reader.ts'

/** `unclear`: the expression asks for what the record does not have; it does not match. */
export type Verdict = 'match' | 'no-match' | 'unclear'

export type Where = (line: RecordLine, read: ReadValue | undefined) => Verdict

const environment = new Environment()
  .registerVariable('partition', 'int')
  .registerVariable('offset', 'int')
  .registerVariable('timestamp', 'int')
  .registerVariable('key', 'dyn')
  .registerVariable('value', 'dyn')

export const compileWhere = (expression: string): Where => {
  const program = parse(expression)
  return (line, read) => {
    try {
      const result: unknown = program({
        partition: BigInt(line.partition),
        offset: BigInt(line.offset),
        timestamp: BigInt(Math.trunc(line.timestamp)),
        key: line.key,
        value: read?.kind === 'decoded' ? celValue(read.type, read.value) : line.value,
      })
      return result === true ? 'match' : 'no-match'
    } catch {
      return 'unclear'
    }
  }
}

interface SyntaxNode {
  readonly op: string
  readonly args: unknown
}

const isNode = (item: unknown): item is SyntaxNode =>
  typeof item === 'object' && item !== null && 'op' in item && 'args' in item

/** Fields of `value` that an expression takes for granted: those that it does not ask for with has(). */
export const requiredFieldsOf = (expression: string): ReadonlySet<string> => {
  const [named, asked] = [new Set<string>(), new Set<string>()]
  const walk = (item: unknown, into: Set<string>): void => {
    if (Array.isArray(item)) for (const each of item as readonly unknown[]) walk(each, into)
    if (!isNode(item)) return
    const { op, args } = item
    const [first, second] = Array.isArray(args) ? (args as readonly unknown[]) : []
    if (op === '.' && isNode(first) && first.op === 'id' && first.args === 'value') {
      into.add(String(second))
    }
    walk(args, op === 'call' && first === 'has' ? asked : into)
  }
  walk(parse(expression).ast, named)
  return new Set([...named].filter((field) => !asked.has(field)))
}

/** @throws ServiceError USAGE_INVALID, when no record of the schema can have what is asked for */
export const assertFieldsExist = (expression: string, schema: AvroSchema): void => {
  const fields = (schema as { readonly fields?: readonly { readonly name: string }[] }).fields
  if (fields === undefined) return
  const known = fields.map(({ name }) => name)
  for (const field of requiredFieldsOf(expression)) {
    if (known.includes(field)) continue
    throw usageError(
      `--where '${expression}' asks for value.${field}, which records of this topic do not have; they have ${known.join(', ')}.`,
    )
  }
}

const parse = (expression: string) => {
  try {
    const { valid, type, error } = environment.check(expression)
    if (!valid) throw error ?? new Error('the expression is invalid')
    if (type !== 'bool' && type !== 'dyn') {
      throw new Error(`it gives ${String(type)}, not true or false`)
    }
    return environment.parse(expression)
  } catch (cause) {
    throw usageError(
      `--where '${expression}' is no condition over partition, offset, timestamp, key and value: ${messageOf(cause)}`,
      cause,
    )
  }
}

const celValue = (type: AvroType, value: unknown): unknown => {
  const parts = partsOf(type)
  switch (type.typeName) {
    case 'int':
    case 'long':
      return BigInt(value as number)
    case 'record': {
      const record = value as Readonly<Record<string, unknown>>
      return Object.fromEntries(
        parts.fields.map(({ name, type: fieldType }) => [name, celValue(fieldType, record[name])]),
      )
    }
    case 'array':
      return (value as readonly unknown[]).map((item) => celValue(parts.itemsType, item))
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, item]) => [
          key,
          celValue(parts.valuesType, item),
        ]),
      )
    case 'union:unwrapped': {
      const branch = parts.types.find((candidate) => candidate.isValid(value))
      return value === null || branch === undefined ? value : celValue(branch, value)
    }
    default:
      return value
  }
}

/**
 * `--where`: a CEL expression over a record, e.g. `value.severity == "high" && partition == 0`.
 *
 * Avro's ints and longs become CEL ints, its floats and doubles CEL doubles, by schema and not by
 * how a value happens to look: 40.0 must not turn into an int now and then.
 */
import { Environment } from '@marcbachmann/cel-js'
import { partsOf, type AvroType } from '../../pipelines/runtime/avro/index.ts'
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

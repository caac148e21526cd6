/**
 * Writes the JavaScript that steps over Avro values of a schema: `pos` moves behind the value or
 * the surrounding function returns a fault.
 *
 * Why generated code: a schema is known once, its records come by the million. Interpreting the
 * schema per record (a call per field through a type object) measured several times slower than
 * code in which the engine sees plain loops over bytes. avsc itself works this way. No text of a
 * schema gets into the code - types are named by index, symbols and names go in as constants - so a
 * schema from a foreign registry cannot inject anything.
 *
 * Invariants:
 *   S1  No byte outside [start, end) is read: every read is preceded by a check against `end`.
 *   S2  The time is bounded by the bytes: every loop iteration consumes at least one byte, except
 *       for items without bytes (null, empty records), which a per-record budget bounds.
 *   S3  The stack is bounded: recursive records end at 64 levels.
 */
import { avroFaults } from './avro-error.ts'
import type { AvroType } from './avro-type.ts'
import { emptyItems, numberRead, readLong, skipInt, skipNumber } from './wire-numbers.ts'

const DEPTH_LIMIT = 64
const EMPTY_ITEMS_LIMIT = 65_536

interface Parts {
  readonly types: readonly AvroType[]
  readonly fields: readonly { readonly type: AvroType }[]
  readonly itemsType: AvroType
  readonly valuesType: AvroType
  readonly symbols: readonly string[]
  readonly size: number
}

/** avsc's types carry the parts of their kind; its declarations split them over classes. */
export const partsOf = (type: AvroType): Parts => type as unknown as Parts

export interface SkipOptions {
  /**
   * `bounds` looks only at what it needs to step over a value; `strict` also refuses everything a
   * full decode would refuse or choke on.
   */
  readonly check: 'bounds' | 'strict'
}

export class SkipSource {
  readonly #strict: boolean
  readonly #helpers: string[] = []
  readonly #helperNames = new Map<AvroType, string>()

  constructor({ check }: SkipOptions) {
    this.#strict = check === 'strict'
  }

  /** Function declarations that the statements of `skip` call. */
  get helpers(): string {
    return this.#helpers.join('\n')
  }

  /** What generated code expects in its scope, besides `helpers`. */
  static readonly scope = { emptyItems, numberRead, readLong, skipNumber, skipInt }

  /** Statements; they expect `b`, `end`, `depth` and a mutable `pos` in scope. */
  skip(type: AvroType): string {
    const { typeName } = type
    switch (typeName) {
      case 'null':
        return ''
      case 'boolean':
        return this.#strict
          ? `if (pos >= end) return ${avroFaults.truncated}
             if (b[pos++] > 1) return ${avroFaults['not-a-boolean']}`
          : fixedBytes(1)
      case 'int':
        return varint(this.#strict ? 'skipInt' : 'skipNumber')
      case 'long':
        return varint(this.#strict ? 'readLong' : 'skipNumber')
      case 'float':
        return fixedBytes(4)
      case 'double':
        return fixedBytes(8)
      case 'fixed':
        return partsOf(type).size === 0 ? '' : fixedBytes(partsOf(type).size)
      case 'string':
      case 'bytes':
        return `{ ${readNumber('n')} ${checkLength('n')} pos += n }`
      case 'enum':
        return this.#strict
          ? `{ ${readNumber('n')}
               if (n < 0 || n >= ${partsOf(type).symbols.length}) return ${avroFaults['unknown-symbol']} }`
          : varint('skipNumber')
      case 'union:wrapped':
      case 'union:unwrapped':
        return this.#union(partsOf(type).types)
      case 'array':
      case 'map':
      case 'record':
      case 'error':
        return `pos = ${this.#helper(type)}(b, pos, end, depth + 1); if (pos < 0) return pos`
      default:
        throw new TypeError(`unexpected Avro type ${typeName}`)
    }
  }

  #union(branches: readonly AvroType[]): string {
    const cases = branches.map((branch, index) => `case ${index}: { ${this.skip(branch)} } break`)
    return `{ ${readNumber('n')}
      switch (n) { ${cases.join('\n')}
        default: return ${avroFaults['unknown-branch']} } }`
  }

  #helper(type: AvroType): string {
    const known = this.#helperNames.get(type)
    if (known !== undefined) return known
    const name = `skip${this.#helperNames.size}`
    this.#helperNames.set(type, name)
    this.#helpers.push(`function ${name}(b, pos, end, depth) {
      ${this.#body(type)}
      return pos
    }`)
    return name
  }

  #body(type: AvroType): string {
    const { fields, itemsType, valuesType } = partsOf(type)
    if (type.typeName === 'array') return this.#blocks('', itemsType)
    if (type.typeName === 'map') {
      return this.#blocks(`{ ${readNumber('k')} ${checkLength('k')} pos += k }`, valuesType)
    }
    return `if (depth > ${DEPTH_LIMIT}) return ${avroFaults['too-deep']}
      ${fields.map((field) => this.skip(field.type)).join('\n')}`
  }

  /** Arrays and maps are blocks of `count` items, a negative count followed by the block's bytes. */
  #blocks(skipKey: string, item: AvroType): string {
    const itemHasBytes = skipKey !== '' || hasBytes(item)
    const countCheck = itemHasBytes
      ? `if (n > end - pos) return ${avroFaults.truncated}` // S2, S1 early
      : `if ((emptyItems[0] += n) > ${EMPTY_ITEMS_LIMIT}) return ${avroFaults['too-many-items']}`
    const items = `${countCheck}
      while (n-- > 0) { ${skipKey} ${this.skip(item)} }`
    const sizedBlock = this.#strict
      ? `const blockEnd = pos + size
         n = -n
         ${items}
         if (pos !== blockEnd) return ${avroFaults['block-size-mismatch']}`
      : 'pos += size'
    return `for (;;) {
      ${readNumber('n')}
      if (n === 0) break
      if (n < 0) {
        ${readNumber('size')} ${checkLength('size')}
        ${sizedBlock}
      } else {
        ${items}
      }
    }`
  }
}

const fixedBytes = (sizeBytes: number): string =>
  `if (end - pos < ${sizeBytes}) return ${avroFaults.truncated}; pos += ${sizeBytes};`

const varint = (slow: 'skipInt' | 'readLong' | 'skipNumber'): string =>
  `if (pos < end && b[pos] < 128) pos++
   else { pos = ${slow}(b, pos, end); if (pos < 0) return pos }`

/** Declares `name` as the zigzag number at `pos`: a length, an index; most take one byte. */
export const readNumber = (name: string): string =>
  `if (pos >= end) return ${avroFaults.truncated}
   let ${name} = b[pos]
   if (${name} < 128) { pos++; ${name} = (${name} >>> 1) ^ -(${name} & 1) }
   else { pos = readLong(b, pos, end); if (pos < 0) return pos; ${name} = numberRead[0] };`

export const checkLength = (name: string): string =>
  `if (${name} < 0) return ${avroFaults['negative-length']}
   if (${name} > end - pos) return ${avroFaults.truncated};`

/** Whether each value surely takes at least one byte; unsure (a record inside itself) counts as no. */
const hasBytes = (type: AvroType, known = new Map<AvroType, boolean>()): boolean => {
  switch (type.typeName) {
    case 'null':
      return false
    case 'fixed':
      return partsOf(type).size > 0
    case 'record':
    case 'error': {
      const before = known.get(type)
      if (before !== undefined) return before
      known.set(type, false)
      const answer = partsOf(type).fields.some((field) => hasBytes(field.type, known))
      known.set(type, answer)
      return answer
    }
    default:
      return true
  }
}

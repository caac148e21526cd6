/** Writes the JavaScript that reads one declared field in place; see field-reader.ts. */
import { avroFaults } from './avro-error.ts'
import type { AvroType } from './avro-type.ts'
import { checkLength, partsOf, readNumber } from './skip-source.ts'
import { StringCache } from './string-cache.ts'

/** Constants and helpers that the generated function closes over. */
export class ReadScope {
  readonly names: string[] = []
  readonly values: unknown[] = []
  #readsDoubles = false

  constant(value: unknown): string {
    const name = `constant${this.names.length}`
    this.names.push(name)
    this.values.push(value)
    return name
  }

  useDoubles(): void {
    this.#readsDoubles = true
  }

  get declarations(): string {
    return this.#readsDoubles
      ? 'let view = new DataView(new ArrayBuffer(0)); let viewed = null'
      : ''
  }

  /**
   * `DataView.getFloat64` compiles to one unaligned load; many records share a fetched buffer, so
   * the view is made once per buffer.
   */
  get prologue(): string {
    return this.#readsDoubles
      ? 'if (b !== viewed) { viewed = b; view = new DataView(b.buffer, b.byteOffset, b.byteLength) }'
      : ''
  }
}

interface ReadRequest {
  readonly writer: AvroType
  readonly reader: AvroType
  readonly scope: ReadScope
  /** Property of the target object. */
  readonly target: string
}

/** Statements that store the value in `target`, or undefined when only a full decode can. */
export const readSource = (request: ReadRequest): string | undefined => {
  const { writer, reader } = request
  const nullable = nullableOf(writer)
  if (nullable !== undefined) {
    // Writer and reader both nullable (in either order): null stays null.
    const readerValue = nullableOf(reader)?.value
    if (readerValue === undefined) return undefined
    const value = readSource({ ...request, writer: nullable.value, reader: readerValue })
    if (value === undefined) return undefined
    return `{ ${readNumber('branch')}
      if (branch === ${nullable.nullIndex}) ${assign(request, 'null')}
      else if (branch === ${1 - nullable.nullIndex}) { ${value} }
      else return ${avroFaults['unknown-branch']} }`
  }
  return scalar({ ...request, reader: nullableOf(reader)?.value ?? reader })
}

const scalar = (request: ReadRequest): string | undefined => {
  const { writer, reader, scope } = request
  const pair = `${writer.typeName}>${reader.typeName}`
  switch (pair) {
    case 'null>null':
      return assign(request, 'null')
    case 'boolean>boolean':
      return `if (pos >= end) return ${avroFaults.truncated}
        { const byte = b[pos++]
          if (byte > 1) return ${avroFaults['not-a-boolean']}
          ${assign(request, 'byte === 1')} }`
    case 'int>int':
    case 'int>long':
    case 'int>float':
    case 'int>double':
      return `{ ${readNumber('n')}
        if (n !== (n | 0)) return ${avroFaults['int-out-of-range']}
        ${assign(request, 'n')} }`
    case 'long>long':
    case 'long>float':
    case 'long>double':
      return long(request)
    case 'float>float':
    case 'float>double':
      scope.useDoubles()
      return `if (end - pos < 4) return ${avroFaults.truncated}
        ${assign(request, 'view.getFloat32(pos, true)')}; pos += 4`
    case 'double>double':
      scope.useDoubles()
      return `if (end - pos < 8) return ${avroFaults.truncated}
        ${assign(request, 'view.getFloat64(pos, true)')}; pos += 8`
    case 'string>string':
    case 'bytes>string': {
      const cache = scope.constant(new StringCache({ slots: 256 }))
      return `{ ${readNumber('n')} ${checkLength('n')}
        ${assign(request, `${cache}.read(b, pos, n)`)}; pos += n }`
    }
    case 'bytes>bytes':
    case 'string>bytes':
      return `{ ${readNumber('n')} ${checkLength('n')}
        ${assign(request, 'b.subarray(pos, pos + n)')}; pos += n }`
    case 'fixed>fixed': {
      const { size } = partsOf(writer)
      return `if (end - pos < ${size}) return ${avroFaults.truncated}
        ${assign(request, `b.subarray(pos, pos + ${size})`)}; pos += ${size}`
    }
    case 'enum>enum':
      return enumeration(request)
    default:
      return undefined
  }
}

/** A timestamp takes 6 bytes, so up to 8 are read without a call; readLong does the rest. */
const long = (request: ReadRequest): string => `
  if (end - pos >= 8) {
    let byte = b[pos++]
    let low = byte & 127
    if (byte > 127) { byte = b[pos++]; low |= (byte & 127) << 7
    if (byte > 127) { byte = b[pos++]; low |= (byte & 127) << 14
    if (byte > 127) { byte = b[pos++]; low |= (byte & 127) << 21 } } }
    if (byte < 128) ${assign(request, '(low >>> 1) ^ -(low & 1)')}
    else {
      let high = 0
      byte = b[pos++]; high = byte & 127
      if (byte > 127) { byte = b[pos++]; high |= (byte & 127) << 7
      if (byte > 127) { byte = b[pos++]; high |= (byte & 127) << 14
      if (byte > 127) { byte = b[pos++]; high |= (byte & 127) << 21 } } }
      if (byte < 128 && high < 0x4000000) {
        const magnitude = high * 0x8000000 + (low >>> 1)
        if (low & 1 && magnitude === ${Number.MAX_SAFE_INTEGER}) return ${avroFaults['unsafe-long']}
        ${assign(request, 'low & 1 ? -magnitude - 1 : magnitude')}
      } else if (byte < 128) return ${avroFaults['unsafe-long']}
      else { pos = readLong(b, pos - 8, end); if (pos < 0) return pos; ${assign(request, 'numberRead[0]')} }
    }
  } else { pos = readLong(b, pos, end); if (pos < 0) return pos; ${assign(request, 'numberRead[0]')} }`

const enumeration = (request: ReadRequest): string => {
  const written = partsOf(request.writer).symbols
  const { symbols, default: fallback } = request.reader as unknown as {
    readonly symbols: readonly string[]
    readonly default: string | undefined
  }
  const read = written.map((symbol) => (symbols.includes(symbol) ? symbol : fallback))
  const table = request.scope.constant(read)
  return `{ ${readNumber('n')}
    if (n < 0 || n >= ${written.length}) return ${avroFaults['unknown-symbol']}
    ${assign(request, `${table}[n]`)} }`
}

/** The target is always an own property (field-reader.ts declares it), whatever its name. */
const assign = ({ target }: ReadRequest, value: string): string =>
  `target[${JSON.stringify(target)}] = ${value}`

interface Nullable {
  readonly nullIndex: 0 | 1
  readonly value: AvroType
}

const nullableOf = (type: AvroType): Nullable | undefined => {
  if (!type.typeName.startsWith('union:')) return undefined
  const [first, second, third] = partsOf(type).types
  if (first === undefined || second === undefined || third !== undefined) return undefined
  if (first.typeName === 'null') return { nullIndex: 0, value: second }
  if (second.typeName === 'null') return { nullIndex: 1, value: first }
  return undefined
}

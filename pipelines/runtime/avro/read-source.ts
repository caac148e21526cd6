/** Writes the JavaScript that reads one declared field in place; see field-reader.ts. */
import { avroFaults } from './avro-error.ts'
import type { AvroType } from './avro-type.ts'
import { checkLength, partsOf, readNumber } from './skip-source.ts'
import { defineEntry } from './safe-types.ts'
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
  /** The statement that stores a value, given as an expression. */
  readonly store: (value: string) => string
  /** Whether values of bytes may be views of the buffer that is read. */
  readonly bytes: 'views' | 'copies'
  /** Slots of the cache of strings (default 256). */
  readonly cacheSlots?: number
}

/** Names and units are few; label values of thousands of series come again and again. */
const FIELD_CACHE_SLOTS = 256
const MAP_CACHE_SLOTS = 4_096

/** A property of `target`; always an own one (in-place.ts declares it), whatever its name. */
export const intoTarget =
  (name: string) =>
  (value: string): string =>
    `target[${JSON.stringify(name)}] = ${value}`

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
      if (branch === ${nullable.nullIndex}) ${request.store('null')}
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
      return request.store('null')
    case 'boolean>boolean':
      return `if (pos >= end) return ${avroFaults.truncated}
        { const byte = b[pos++]
          if (byte > 1) return ${avroFaults['not-a-boolean']}
          ${request.store('byte === 1')} }`
    case 'int>int':
    case 'int>long':
    case 'int>float':
    case 'int>double':
      return `{ let n = 0
        if (pos < end && b[pos] < 128) { n = b[pos++]; n = (n >>> 1) ^ -(n & 1) }
        else { pos = skipInt(b, pos, end); if (pos < 0) return pos; n = numberRead[0] }
        ${request.store('n')} }`
    case 'long>long':
    case 'long>float':
    case 'long>double':
      return long(request)
    case 'float>float':
    case 'float>double':
      scope.useDoubles()
      return `if (end - pos < 4) return ${avroFaults.truncated}
        ${request.store('view.getFloat32(pos, true)')}; pos += 4`
    case 'double>double':
      scope.useDoubles()
      return `if (end - pos < 8) return ${avroFaults.truncated}
        ${request.store('view.getFloat64(pos, true)')}; pos += 8`
    case 'string>string':
    case 'bytes>string': {
      const slots = request.cacheSlots ?? FIELD_CACHE_SLOTS
      const cache = scope.constant(new StringCache({ slots }))
      return `{ ${readNumber('n')} ${checkLength('n')}
        ${request.store(`${cache}.read(b, pos, n)`)}; pos += n }`
    }
    case 'bytes>bytes':
    case 'string>bytes':
      return `{ ${readNumber('n')} ${checkLength('n')}
        ${request.store(bytesOf(request, 'n'))}; pos += n }`
    case 'fixed>fixed': {
      const { size } = partsOf(writer)
      return `if (end - pos < ${size}) return ${avroFaults.truncated}
        ${request.store(bytesOf(request, String(size)))}; pos += ${size}`
    }
    case 'map>map':
      return map(request)
    case 'enum>enum':
      return enumeration(request)
    default:
      return undefined
  }
}

const bytesOf = ({ bytes, scope }: ReadRequest, length: string): string => {
  const view = `b.subarray(pos, pos + ${length})`
  return bytes === 'views' ? view : `${scope.constant(copyOf)}(${view})`
}
const copyOf = (bytes: Buffer): Buffer => Buffer.from(bytes)

/** A new object each time. Blocks are checked as skip-source.ts does. */
const map = (request: ReadRequest): string | undefined => {
  const { writer, reader, scope } = request
  const value = readSource({
    ...request,
    writer: partsOf(writer).valuesType,
    reader: partsOf(reader).valuesType,
    store: (read) => `value = ${read}`,
    cacheSlots: MAP_CACHE_SLOTS,
  })
  if (value === undefined) return undefined
  const keys = scope.constant(new StringCache({ slots: FIELD_CACHE_SLOTS }))
  const define = scope.constant(defineEntry)
  return `{ const map = {}
    for (;;) {
      ${readNumber('count')}
      if (count === 0) break
      let blockEnd = -1
      if (count < 0) {
        ${readNumber('size')} ${checkLength('size')}
        blockEnd = pos + size
        count = -count
      }
      if (count > end - pos) return ${avroFaults.truncated}
      while (count-- > 0) {
        ${readNumber('k')} ${checkLength('k')}
        const key = ${keys}.read(b, pos, k)
        pos += k
        let value
        ${value}
        if (key === '__proto__') ${define}(map, key, value)
        else map[key] = value
      }
      if (blockEnd >= 0 && pos !== blockEnd) return ${avroFaults['block-size-mismatch']}
    }
    ${request.store('map')} }`
}

/** A timestamp takes 6 bytes, so up to 8 are read without a call; readLong does the rest. */
const long = (request: ReadRequest): string => `
  if (end - pos >= 8) {
    let byte = b[pos++]
    let low = byte & 127
    if (byte > 127) { byte = b[pos++]; low |= (byte & 127) << 7
    if (byte > 127) { byte = b[pos++]; low |= (byte & 127) << 14
    if (byte > 127) { byte = b[pos++]; low |= (byte & 127) << 21 } } }
    if (byte < 128) ${request.store('(low >>> 1) ^ -(low & 1)')}
    else {
      let high = 0
      byte = b[pos++]; high = byte & 127
      if (byte > 127) { byte = b[pos++]; high |= (byte & 127) << 7
      if (byte > 127) { byte = b[pos++]; high |= (byte & 127) << 14
      if (byte > 127) { byte = b[pos++]; high |= (byte & 127) << 21 } } }
      if (byte < 128 && high < 0x4000000) {
        const magnitude = high * 0x8000000 + (low >>> 1)
        if (low & 1 && magnitude === ${Number.MAX_SAFE_INTEGER}) return ${avroFaults['unsafe-long']}
        ${request.store('low & 1 ? -magnitude - 1 : magnitude')}
      } else if (byte < 128) return ${avroFaults['unsafe-long']}
      else { pos = readLong(b, pos - 8, end); if (pos < 0) return pos; ${request.store('numberRead[0]')} }
    }
  } else { pos = readLong(b, pos, end); if (pos < 0) return pos; ${request.store('numberRead[0]')} }`

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
    ${request.store(`${table}[n]`)} }`
}

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

/**
 * avsc types that differ from avsc's own where those lose data without a word:
 *
 *   long  zigzag in floating point loses the sign of numbers below -2^52 (2|n|-1 needs 54 bits);
 *         here exact in +-(2^53 - 1).
 *   map   a key named __proto__ vanishes; here it is a key like any other.
 *   enum  'constructor' or 'toString' pass as symbols and are written as the first one; here they
 *         are refused.
 *
 * `_check`, `_read` and `_write` are avsc's internal protocol; the version is pinned and tests hold
 * all three. avsc borrows `_read` for resolvers, so it uses no state but what they carry too.
 */
import avro from 'avsc'
import { StringCache } from './string-cache.ts'

interface Tap {
  readonly buf: Buffer
  pos: number
  readLong(): number
  readString(): string
  skipLong(): void
  writeLong(value: number): void
}

type Hook = (value: unknown, type: avro.Type) => void

const EXACT_IN_AVSC = 2 ** 52

class ExactLongType extends avro.types.LongType {
  _check(value: unknown, _flags?: unknown, hook?: Hook): boolean {
    const valid = Number.isSafeInteger(value)
    if (!valid && hook !== undefined) hook(value, this)
    return valid
  }

  _read(tap: Tap): number {
    const start = tap.pos
    const value = tap.readLong()
    if (value < EXACT_IN_AVSC && value > -EXACT_IN_AVSC) return value
    let bits = 0n
    for (let pos = tap.pos - 1; pos >= start; pos--) {
      bits = (bits << 7n) | BigInt((tap.buf[pos] ?? 0) & 0x7f)
    }
    return Number((bits >> 1n) ^ -(bits & 1n)) // body-check.ts has refused what lies beyond 2^53
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      throw new TypeError(`invalid "long": ${String(value)}`)
    }
    if (value < EXACT_IN_AVSC && value > -EXACT_IN_AVSC) {
      tap.writeLong(value)
      return
    }
    const wide = BigInt(value)
    let bits = (wide << 1n) ^ (wide >> 63n)
    while (bits > 0x7fn) {
      // Typed arrays ignore stores behind their end; avsc then reports the missing bytes.
      tap.buf[tap.pos++] = Number(bits & 0x7fn) | 0x80
      bits >>= 7n
    }
    tap.buf[tap.pos++] = Number(bits)
  }
}

class StrictEnumType extends avro.types.EnumType {
  _check(value: unknown, _flags?: unknown, hook?: Hook): boolean {
    const valid = this.symbols.includes(value as string)
    if (!valid && hook !== undefined) hook(value, this)
    return valid
  }

  _write(tap: Tap, value: unknown): void {
    const index = this.symbols.indexOf(value as string)
    if (index < 0) throw new TypeError(`invalid symbol: ${String(value)}`)
    tap.writeLong(index)
  }
}

/** Keys of maps are few and repeat in every record; label values and names mostly do. */
const keys = new StringCache({ slots: 256 })
const texts = new StringCache({ slots: 4096 })

class CachedStringType extends avro.types.StringType {
  _read(tap: Tap): string {
    const length = tap.readLong()
    const start = tap.pos
    tap.pos = start + length
    return texts.read(tap.buf, start, length)
  }
}

class FaithfulMapType extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as { _read(tap: Tap): unknown }
    const map: Record<string, unknown> = {}
    for (;;) {
      let count = tap.readLong()
      if (count === 0) return map
      if (count < 0) {
        count = -count
        tap.skipLong()
      }
      while (count-- > 0) {
        const length = tap.readLong()
        const key = keys.read(tap.buf, tap.pos, length)
        tap.pos += length
        const value = values._read(tap)
        if (key === '__proto__') defineEntry(map, key, value)
        else map[key] = value
      }
    }
  }
}

/** Sets a key of a map whatever it is called. */
export const defineEntry = (map: object, key: string, value: unknown): void => {
  Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true })
}

const exactLong: avro.Type = new ExactLongType()
const cachedString: avro.Type = new CachedStringType()

/** For avsc's `typeHook`: the type to use for a part of a schema, if it is one of ours. */
export const safeTypeOf = (part: unknown, options: unknown): avro.Type | undefined => {
  const kind: unknown =
    typeof part === 'object' && part !== null && 'type' in part ? part.type : part
  switch (kind) {
    case 'long':
      return exactLong
    case 'string':
      return cachedString
    case 'enum':
      return new StrictEnumType(part as avro.Schema, options)
    case 'map':
      return new FaithfulMapType(part as avro.Schema, options)
    default:
      return undefined
  }
}

/**
 * avsc computes zigzag longs in floating point, which loses the sign of numbers below -2^52 without
 * a word (2|n|-1 needs 54 bits). This long works on halves and is exact in +-(2^53 - 1).
 *
 * `_read` and `_write` are avsc's internal protocol; the version is pinned and a test reads and
 * writes the edges. They must not use `this`: avsc borrows them for resolvers.
 */
import avro from 'avsc'

interface Tap {
  readonly buf: Buffer
  pos: number
  readLong(): number
  writeLong(value: number): void
}

const EXACT_IN_AVSC = 2 ** 52

const readExactLong = (tap: Tap): number => {
  const start = tap.pos
  const value = tap.readLong()
  if (value <= EXACT_IN_AVSC - 1 && value >= 1 - EXACT_IN_AVSC) return value
  let bits = 0n
  for (let pos = tap.pos - 1; pos >= start; pos--) {
    bits = (bits << 7n) | BigInt((tap.buf[pos] ?? 0) & 0x7f)
  }
  const exact = Number((bits >> 1n) ^ -(bits & 1n))
  if (!Number.isSafeInteger(exact)) throw new RangeError('a long lies beyond 2^53')
  return exact
}

const writeExactLong = (tap: Tap, value: number): void => {
  if (value <= EXACT_IN_AVSC - 1 && value >= 1 - EXACT_IN_AVSC) {
    tap.writeLong(value)
    return
  }
  const wide = BigInt(value)
  let bits = (wide << 1n) ^ (wide >> 63n)
  while (bits > 0x7fn) {
    // Out-of-range stores are ignored by typed arrays; avsc then reports the missing bytes.
    tap.buf[tap.pos++] = Number(bits & 0x7fn) | 0x80
    bits >>= 7n
  }
  tap.buf[tap.pos++] = Number(bits)
}

class ExactLongType extends avro.types.LongType {
  _check(
    value: unknown,
    _flags?: unknown,
    hook?: (value: unknown, type: unknown) => void,
  ): boolean {
    const valid = Number.isSafeInteger(value)
    if (!valid && hook !== undefined) hook(value, this)
    return valid
  }

  _read(tap: Tap): number {
    return readExactLong(tap)
  }

  _write(tap: Tap, value: unknown): void {
    if (!Number.isSafeInteger(value)) throw new Error(`invalid "long": ${String(value)}`)
    writeExactLong(tap, value as number)
  }
}

export const exactLong: avro.Type = new ExactLongType()

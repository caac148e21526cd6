/**
 * Avro's variable-length numbers, read without allocating: the value goes to `numberRead[0]`, the
 * result is the position behind it or a fault. (A Float64Array cell keeps doubles unboxed; a
 * variable captured by a closure would become a heap object at each store.)
 */
import { avroFaults, type PositionOrFault } from './avro-error.ts'

export const numberRead = new Float64Array(1)

/** How many items without bytes the record at hand has claimed so far; set to 0 at its start. */
export const emptyItems = new Float64Array(1)

const { truncated, 'overlong-varint': overlong, 'unsafe-long': unsafe } = avroFaults

/** A zigzag long in +-(2^53 - 1). Reads nothing at or behind `end`. */
export const readLong = (buffer: Uint8Array, start: number, end: number): PositionOrFault => {
  let pos = start
  // Zigzag is undone on halves of 28 bits: 2|n| of a large n would not fit a double.
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    if (pos >= end) return truncated
    const byte = buffer[pos++]!
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      numberRead[0] = (low >>> 1) ^ -(low & 1)
      return pos
    }
  }
  let high = 0
  let scale = 1
  for (let count = 4; ; count++) {
    if (count === 10) return overlong
    if (pos >= end) return truncated
    const byte = buffer[pos++]!
    // The tenth byte holds the last of 64 bits.
    if (count === 9 && byte > 1) return overlong
    high += (byte & 0x7f) * scale
    scale *= 128
    if (byte < 0x80) break
  }
  if (high >= 0x4000000) return unsafe // 2^26 * 2^27 = 2^53
  const magnitude = high * 0x8000000 + (low >>> 1)
  if (low & 1 && magnitude === Number.MAX_SAFE_INTEGER) return unsafe // -2^53
  numberRead[0] = low & 1 ? -magnitude - 1 : magnitude
  return pos
}

/** Steps over a number of at most 64 bits, whatever its value. */
export const skipNumber = (buffer: Uint8Array, start: number, end: number): PositionOrFault => {
  const last = start + 9
  for (let pos = start; pos < end; pos++) {
    const byte = buffer[pos]!
    if (pos === last) return byte > 1 ? overlong : pos + 1
    if (byte < 0x80) return pos + 1
  }
  return truncated
}

/** Steps over an int and checks that it is one. */
export const skipInt = (buffer: Uint8Array, start: number, end: number): PositionOrFault => {
  const pos = readLong(buffer, start, end)
  if (pos === unsafe) return avroFaults['int-out-of-range']
  if (pos < 0) return pos
  const value = numberRead[0]!
  return value === (value | 0) ? pos : avroFaults['int-out-of-range']
}

/**
 * Zig-zag variable length integers as record batches use them (protobuf encoding), over plain
 * numbers: 32-bit lengths and deltas, and "varlong" timestamps, which stay below 2^53.
 */

/** Bytes that `writeVarint` needs for a signed 32-bit value. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  if (zigzag < 0x10000000) return 4
  return 5
}

/** Writes a signed 32-bit value at `at` and returns the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag > 0x7f) {
    bytes[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  bytes[at++] = zigzag
  return at
}

/** A position in a buffer, moved by the readers below. */
export interface ByteCursor {
  at: number
}

/** Reads a signed 32-bit value at `cursor.at`; beyond the end it reads zero bits. */
export function readVarint(bytes: Uint8Array, cursor: ByteCursor): number {
  let zigzag = 0
  let shift = 0
  let byte: number
  do {
    byte = bytes[cursor.at++] ?? 0
    zigzag |= (byte & 0x7f) << shift
    shift += 7
  } while (byte & 0x80 && shift < 35)
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

/** Reads a signed 64-bit value as a number, exact for |value| < 2^52. */
export function readVarlong(bytes: Uint8Array, cursor: ByteCursor): number {
  let zigzag = 0
  let scale = 1
  let byte: number
  do {
    byte = bytes[cursor.at++] ?? 0
    zigzag += (byte & 0x7f) * scale
    scale *= 0x80
  } while (byte & 0x80 && scale < 2 ** 70)
  return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
}

/** Big-endian signed 64-bit integer as a number, exact for |value| < 2^53. */
export const readInt64 = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)

/** Writes a big-endian signed 64-bit integer from a number with |value| < 2^53. */
export function writeInt64(bytes: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, at + 4)
}

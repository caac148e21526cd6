/**
 * Snappy's block format, without any framing: a varint with the unpacked length, then the data.
 * https://github.com/google/snappy/blob/main/format_description.txt
 */
import { compressSync, uncompressSync } from 'snappy'

/** Copies of up to 64 bytes take two bytes at least: whoever claims more claims nonsense. */
const MAX_RATIO = 64
const MAX_LENGTH_BYTES = 5
/**
 * Memory that the library lends from outside of V8's heap is garbage to V8 only late, and with a
 * cost of its own: 65 KB unpacked in a loop took 70 to 365 µs each, copied into a Buffer 45.
 */
const COPIED = { copyOutputData: true } as const

/** How long the block says it is when unpacked; NaN where it does not say. */
export const snappyBlockLength = (block: Uint8Array): number => {
  let length = 0
  for (let at = 0; at < Math.min(MAX_LENGTH_BYTES, block.length); at++) {
    const byte = block[at]!
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return length
  }
  return Number.NaN
}

/**
 * Takes memory for no more than a block of this size can hold; how much is too much is the
 * caller's to know, who looks at `snappyBlockLength` before.
 *
 * @throws Error for what is no such block
 */
export const unpackSnappyBlock = (block: Uint8Array): Buffer => {
  const claimed = snappyBlockLength(block)
  if (!(claimed <= MAX_RATIO * block.length))
    throw new Error('the length of a Snappy block is wrong')
  const unpacked = uncompressSync(block, COPIED)
  return typeof unpacked === 'string' ? Buffer.from(unpacked) : unpacked
}

export const packSnappyBlock = (bytes: Uint8Array): Buffer => compressSync(bytes, COPIED)

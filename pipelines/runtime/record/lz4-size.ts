/**
 * How large an LZ4 frame unpacks, without unpacking it: the library has no limit of its own, and a
 * frame may hold 255 times its size. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * Walks the sequences of each block, up to `limitBytes`. Whatever it does not understand counts as
 * nothing: it is then for the library to refuse.
 */
const MAGIC_BYTES = 4
const HAS_CONTENT_CHECKSUM = 0x04
const HAS_CONTENT_SIZE = 0x08
const HAS_BLOCK_CHECKSUM = 0x10
const HAS_DICTIONARY = 0x01
const STORED_BIT = 0x80000000
const CHECKSUM_BYTES = 4

export const lz4UnpackedBytes = (frame: Buffer, limitBytes: number): number => {
  if (frame.length < MAGIC_BYTES + 3) return 0
  const flags = frame[MAGIC_BYTES]!
  let at = MAGIC_BYTES + 2
  if ((flags & HAS_CONTENT_SIZE) !== 0) at += 8
  if ((flags & HAS_DICTIONARY) !== 0) at += 4
  at += 1 // checksum of the header
  const trailerBytes = (flags & HAS_BLOCK_CHECKSUM) !== 0 ? CHECKSUM_BYTES : 0
  let unpacked = 0
  while (at + 4 <= frame.length && unpacked <= limitBytes) {
    const size = frame.readUInt32LE(at)
    at += 4
    if (size === 0) {
      // The end of a frame; another one may follow, and its blocks count, too.
      const rest = frame.subarray(at + ((flags & HAS_CONTENT_CHECKSUM) !== 0 ? CHECKSUM_BYTES : 0))
      return unpacked + lz4UnpackedBytes(rest, limitBytes - unpacked)
    }
    const isStored = (size & STORED_BIT) !== 0
    const blockBytes = size & ~STORED_BIT
    const end = Math.min(frame.length, at + blockBytes)
    unpacked += isStored ? blockBytes : blockUnpackedBytes(frame, at, end)
    at = end + trailerBytes
  }
  return unpacked
}

/** A sequence is a token, literals, and (but for the last) a match of at least four bytes. */
const blockUnpackedBytes = (frame: Buffer, start: number, end: number): number => {
  let at = start
  let unpacked = 0
  const extended = (nibble: number): number => {
    let length = nibble
    if (nibble !== 15) return length
    for (let more = 255; more === 255 && at < end;) {
      more = frame[at++]!
      length += more
    }
    return length
  }
  while (at < end) {
    const token = frame[at++]!
    const literals = extended(token >> 4)
    at += literals
    unpacked += literals
    if (at >= end) break
    at += 2 // distance of the match
    unpacked += extended(token & 15) + 4
  }
  return unpacked
}

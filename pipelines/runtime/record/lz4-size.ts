/**
 * How large an LZ4 frame unpacks, without unpacking it: the library has no limit of its own, and a
 * frame may hold 255 times its size. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * Walks the sequences of each block of each frame, up to `limitBytes`. Whatever it does not understand
 * counts as nothing: it is then for the library to refuse.
 */
const MAGIC_BYTES = 4
const HAS_CONTENT_CHECKSUM = 0x04
const HAS_CONTENT_SIZE = 0x08
const HAS_BLOCK_CHECKSUM = 0x10
const HAS_DICTIONARY = 0x01
const STORED_BIT = 0x80000000
const CHECKSUM_BYTES = 4

export const lz4UnpackedBytes = (frames: Buffer, limitBytes: number): number => {
  let unpacked = 0
  for (let at = 0; at + MAGIC_BYTES + 3 <= frames.length && unpacked <= limitBytes;) {
    const frame = frameUnpacked(frames, at, limitBytes - unpacked)
    unpacked += frame.bytes
    at = frame.end
  }
  return unpacked
}

const frameUnpacked = (
  frames: Buffer,
  start: number,
  limitBytes: number,
): { readonly bytes: number; readonly end: number } => {
  const flags = frames[start + MAGIC_BYTES]!
  let at = start + MAGIC_BYTES + 2
  if ((flags & HAS_CONTENT_SIZE) !== 0) at += 8
  if ((flags & HAS_DICTIONARY) !== 0) at += 4
  at += 1 // checksum of the header
  const trailerBytes = (flags & HAS_BLOCK_CHECKSUM) !== 0 ? CHECKSUM_BYTES : 0
  let bytes = 0
  while (at + 4 <= frames.length && bytes <= limitBytes) {
    const size = frames.readUInt32LE(at)
    at += 4
    if (size === 0) {
      return { bytes, end: at + ((flags & HAS_CONTENT_CHECKSUM) !== 0 ? CHECKSUM_BYTES : 0) }
    }
    const isStored = (size & STORED_BIT) !== 0
    const blockBytes = size & ~STORED_BIT
    const end = Math.min(frames.length, at + blockBytes)
    bytes += isStored ? blockBytes : blockUnpackedBytes(frames, at, end)
    at = end + trailerBytes
  }
  return { bytes, end: frames.length }
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

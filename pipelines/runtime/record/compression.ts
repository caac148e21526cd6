/**
 * The five codecs of record batches. All synchronous: a batch is at most a few megabytes, and the
 * cursor over a fetch response must not yield in the middle.
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import lz4 from 'lz4-napi'
import { RecordFormatError } from './errors.ts'
import { lz4UnpackedBytes } from './lz4-size.ts'
import { packSnappyBlock, snappyBlockLength, unpackSnappyBlock } from './snappy-block.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Index = the compression bits of the batch attributes. */
const COMPRESSION_BY_BITS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/**
 * A batch that unpacks to more than this is refused. Each partition may hold one unpacked batch, and
 * a megabyte can be made to unpack to gigabytes; what producers write takes some 20 MB at most.
 */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024

/** Framing of the Java client (xerial snappy-java): this magic, two int32 versions, then blocks. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

export const compressionBits = (compression: Compression): number =>
  COMPRESSION_BY_BITS.indexOf(compression)

export function compress(bytes: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'snappy':
      return toXerial(bytes)
    case 'lz4':
      return lz4.compressFrameSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
  }
}

/** Unpacks the records part of a batch. `bits` are the low three attribute bits. */
export function decompress(bytes: Buffer, bits: number): Buffer {
  const compression = COMPRESSION_BY_BITS[bits]
  if (compression === undefined) {
    throw new RecordFormatError(
      'RECORD_UNSUPPORTED_COMPRESSION',
      `Record batch uses compression type ${String(bits)}, known are 0 to 4; update this client`,
    )
  }
  try {
    return decompressAs(bytes, compression)
  } catch (cause) {
    if (cause instanceof RecordFormatError) throw cause
    if (isTooLarge(cause)) throw tooLarge(bytes)
    throw new RecordFormatError(
      'RECORD_CORRUPT',
      `Record batch of ${String(bytes.length)} bytes does not unpack as ${compression}`,
      { cause },
    )
  }
}

function decompressAs(bytes: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES })
    case 'snappy':
      return bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)
        ? fromXerial(bytes)
        : unsnap(bytes, MAX_UNPACKED_BYTES)
    case 'lz4':
      if (lz4UnpackedBytes(bytes, MAX_UNPACKED_BYTES) > MAX_UNPACKED_BYTES) throw tooLarge(bytes)
      return lz4.decompressFrameSync(bytes)
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES })
  }
}

/** What zlib throws at `maxOutputLength`. */
const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'

const tooLarge = (bytes: Uint8Array): RecordFormatError =>
  new RecordFormatError(
    'RECORD_BATCH_TOO_LARGE',
    `Record batch of ${bytes.length} bytes unpacks to more than ${MAX_UNPACKED_BYTES}; send smaller batches`,
  )

function unsnap(block: Uint8Array, leftBytes: number): Buffer {
  if (snappyBlockLength(block) > leftBytes) throw tooLarge(block)
  return unpackSnappyBlock(block)
}

function fromXerial(bytes: Buffer): Buffer {
  const blocks: Buffer[] = []
  let leftBytes = MAX_UNPACKED_BYTES
  let at = XERIAL_HEADER_BYTES
  while (at < bytes.length) {
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < 0 || at + size > bytes.length) {
      throw new RecordFormatError(
        'RECORD_CORRUPT',
        `Snappy block of ${String(size)} bytes reaches beyond its batch`,
      )
    }
    const block = unsnap(bytes.subarray(at, at + size), leftBytes)
    blocks.push(block)
    leftBytes -= block.length
    at += size
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
}

function toXerial(bytes: Buffer): Buffer {
  const block = packSnappyBlock(bytes)
  const framed = Buffer.allocUnsafe(XERIAL_HEADER_BYTES + 4 + block.length)
  XERIAL_MAGIC.copy(framed)
  framed.writeInt32BE(1, 8)
  framed.writeInt32BE(1, 12)
  framed.writeInt32BE(block.length, XERIAL_HEADER_BYTES)
  framed.set(block, XERIAL_HEADER_BYTES + 4)
  return framed
}

/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of record batches. Node's
 * zlib has only CRC-32 (another polynomial).
 *
 * Long ranges go to `@node-rs/crc32`, which uses the processor's own instruction: 6.2 GB/s against
 * 1.07 GB/s here, which was a sixth of all the time a task takes. Short ones, and all of them where
 * that package has no build for the platform, are done by slicing-by-8: eight table look-ups fold
 * eight bytes at once (Kounavis & Berry, 2005).
 */
type Crc32c = (bytes: Uint8Array) => number

/** The call into native code takes 200 ns: as long as the tables need for 250 bytes. */
const NATIVE_FROM_BYTES = 512

const native: Crc32c | undefined = await import('@node-rs/crc32').then(
  (built) => built.crc32c,
  () => undefined,
)

const POLYNOMIAL = 0x82f63b78

const makeTables = (): readonly Int32Array[] => {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256))
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1
    tables[0]![n] = c
  }
  for (let n = 0; n < 256; n++) {
    for (let k = 1; k < 8; k++) {
      const before = tables[k - 1]![n]!
      tables[k]![n] = (before >>> 8) ^ tables[0]![before & 0xff]!
    }
  }
  return tables
}

const tables = makeTables()
const T0 = tables[0]!
const T1 = tables[1]!
const T2 = tables[2]!
const T3 = tables[3]!
const T4 = tables[4]!
const T5 = tables[5]!
const T6 = tables[6]!
const T7 = tables[7]!

/** CRC-32C of `bytes[start, end)` as an unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return native === undefined || end - start < NATIVE_FROM_BYTES
    ? crc32cByTables(bytes, start, end)
    : native(bytes.subarray(start, end))
}

export function crc32cByTables(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  let at = start
  const lastBlock = end - 7
  while (at < lastBlock) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!
    at += 8
  }
  while (at < end) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at++]!) & 0xff]!
  return ~crc >>> 0
}

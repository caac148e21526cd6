/**
 * The partitioner hash of the Java client (org.apache.kafka.common.utils.Utils.murmur2), so that a
 * key lands on the same partition whoever wrote it: Java, kafkajs or us.
 */
const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** Hash of `bytes[start, end)` as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start
  let h = SEED ^ length
  let at = start
  const lastWord = start + (length & ~3)
  while (at < lastWord) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
    at += 4
  }
  const left = length & 3
  if (left === 3) h ^= bytes[at + 2]! << 16
  if (left >= 2) h ^= bytes[at + 1]! << 8
  if (left >= 1) h = Math.imul(h ^ bytes[at]!, M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  h ^= h >>> 15
  return h | 0
}

/** Java's `toPositive(hash) % partitions`: the sign bit is cut off, not negated. */
export const toPartition = (hash: number, partitions: number): number =>
  (hash & 0x7fffffff) % partitions

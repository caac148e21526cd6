/**
 * Encodes records straight into one growing buffer that becomes a version 2 record batch.
 *
 * Reusable: `reset()` keeps the buffer, so a steady stream of commits allocates nothing big.
 * Records carry one timestamp per batch (the topics have LogAppendTime, the broker overwrites it).
 */
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_OVERHEAD,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
  TRANSACTIONAL_BIT,
} from './batch-header.ts'
import { compress, compressionBits } from './compression.ts'
import type { Compression } from './compression.ts'
import { crc32c } from './crc32c.ts'
import type { RecordHeader } from './record-set.ts'
import { varintSize, writeInt64, writeVarint } from './varint.ts'

export interface FinishOptions {
  /** Stamp of every record; replaced by the broker on LogAppendTime topics. */
  readonly timestampMs: number
  /** -1 with epoch -1 and sequence -1 for a producer that is not idempotent (the default). */
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly compression?: Compression
}

const NO_HEADERS: readonly RecordHeader[] = []
/** Below this a byte loop beats the call into `Buffer.copy`, which takes 40 ns. */
const COPY_LOOP_BYTES = 24

/** Upper bound of what one record adds to a batch besides key, value and headers. */
const RECORD_OVERHEAD_BYTES = 5 + 1 + 1 + 5 + 5 + 5 + 5

/** Bytes a batch needs at most when it holds just this record; for checks before appending. */
export function batchSizeBound(
  keyBytes: number,
  valueBytes: number,
  headers: readonly RecordHeader[] = NO_HEADERS,
): number {
  return RECORDS_AT + RECORD_OVERHEAD_BYTES + keyBytes + valueBytes + headersSize(headers)
}

export class RecordBatchBuilder {
  #buffer: Buffer
  #end = RECORDS_AT
  #count = 0

  constructor(initialBytes = 16 * 1024) {
    this.#buffer = Buffer.allocUnsafe(Math.max(initialBytes, RECORDS_AT))
  }

  /** Records appended since the last reset. */
  get count(): number {
    return this.#count
  }

  /** Size of the uncompressed batch, header included. */
  get sizeBytes(): number {
    return this.#end
  }

  /** Bytes of memory that it holds, whether or not they are in use. */
  get capacityBytes(): number {
    return this.#buffer.length
  }

  /**
   * Appends `keyBytes[keyStart, keyEnd)` and `valueBytes[valueStart, valueEnd)`. A null buffer (or
   * a negative start, as RecordSet shows nulls) makes a null key or a tombstone.
   */
  append(
    keyBytes: Buffer | null,
    keyStart: number,
    keyEnd: number,
    valueBytes: Buffer | null,
    valueStart: number,
    valueEnd: number,
    headers: readonly RecordHeader[] = NO_HEADERS,
  ): void {
    const keySize = keyBytes === null || keyStart < 0 ? -1 : keyEnd - keyStart
    const valueSize = valueBytes === null || valueStart < 0 ? -1 : valueEnd - valueStart
    const headerBytes = headers.length === 0 ? 1 : headersSize(headers)
    const bodySize =
      2 + // attributes and a zero timestamp delta
      varintSize(this.#count) +
      varintSize(keySize) +
      (keySize > 0 ? keySize : 0) +
      varintSize(valueSize) +
      (valueSize > 0 ? valueSize : 0) +
      headerBytes
    this.#reserve(5 + bodySize)
    const buffer = this.#buffer
    let at = writeVarint(buffer, this.#end, bodySize)
    buffer[at++] = 0
    buffer[at++] = 0
    at = writeVarint(buffer, at, this.#count)
    at = writeVarint(buffer, at, keySize)
    if (keySize > 0 && keyBytes !== null) at = copyBytes(buffer, at, keyBytes, keyStart, keyEnd)
    at = writeVarint(buffer, at, valueSize)
    if (valueSize > 0 && valueBytes !== null) {
      at = copyBytes(buffer, at, valueBytes, valueStart, valueEnd)
    }
    at = headers.length === 0 ? writeVarint(buffer, at, 0) : writeHeaders(buffer, at, headers)
    this.#end = at
    this.#count += 1
  }

  /** Appends whole buffers; null makes a null key or a tombstone. */
  appendRecord(
    key: Buffer | null,
    value: Buffer | null,
    headers: readonly RecordHeader[] = NO_HEADERS,
  ): void {
    this.append(key, 0, key?.length ?? 0, value, 0, value?.length ?? 0, headers)
  }

  /**
   * The finished batch. Uncompressed it is a view on the builder's buffer: valid until the next
   * `append` or `reset`. May be called again, e.g. with another producer epoch.
   */
  finish(options: FinishOptions): Buffer {
    const compression = options.compression ?? 'none'
    const batch = this.#packed(compression)
    writeInt64(batch, 0, 0)
    batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, BATCH_LENGTH_AT)
    batch.writeInt32BE(-1, LEADER_EPOCH_AT)
    batch.writeInt8(2, MAGIC_AT)
    const transactional = options.transactional === true ? TRANSACTIONAL_BIT : 0
    batch.writeInt16BE(compressionBits(compression) | transactional, ATTRIBUTES_AT)
    batch.writeInt32BE(this.#count - 1, LAST_OFFSET_DELTA_AT)
    writeInt64(batch, BASE_TIMESTAMP_AT, options.timestampMs)
    writeInt64(batch, MAX_TIMESTAMP_AT, options.timestampMs)
    writeInt64(batch, PRODUCER_ID_AT, options.producerId ?? -1)
    batch.writeInt16BE(options.producerEpoch ?? -1, PRODUCER_EPOCH_AT)
    batch.writeInt32BE(options.baseSequence ?? -1, BASE_SEQUENCE_AT)
    batch.writeInt32BE(this.#count, RECORD_COUNT_AT)
    batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, batch.length), CRC_AT)
    return batch
  }

  /** Forgets the records, keeps the buffer. */
  reset(): void {
    this.#end = RECORDS_AT
    this.#count = 0
  }

  #packed(compression: Compression): Buffer {
    if (compression === 'none') return this.#buffer.subarray(0, this.#end)
    const records = compress(this.#buffer.subarray(RECORDS_AT, this.#end), compression)
    const batch = Buffer.allocUnsafe(RECORDS_AT + records.length)
    records.copy(batch, RECORDS_AT)
    return batch
  }

  #reserve(extraBytes: number): void {
    const needed = this.#end + extraBytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}

function copyBytes(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
  if (end - start > COPY_LOOP_BYTES) {
    return at + source.copy(target, at, start, end)
  }
  for (let i = start; i < end; i++) target[at++] = source[i]!
  return at
}

function headersSize(headers: readonly RecordHeader[]): number {
  let size = varintSize(headers.length)
  for (const { key, value } of headers) {
    const keySize = Buffer.byteLength(key)
    size += varintSize(keySize) + keySize
    size += value === null ? varintSize(-1) : varintSize(value.length) + value.length
  }
  return size
}

function writeHeaders(target: Buffer, at: number, headers: readonly RecordHeader[]): number {
  at = writeVarint(target, at, headers.length)
  for (const { key, value } of headers) {
    at = writeVarint(target, at, Buffer.byteLength(key))
    at += target.write(key, at)
    at = writeVarint(target, at, value === null ? -1 : value.length)
    if (value !== null) {
      target.set(value, at)
      at += value.length
    }
  }
  return at
}

/**
 * In-place cursor over the records of one partition of a Fetch response.
 *
 * A response holds several whole batches, each maybe compressed, and perhaps the beginning of one
 * more. The cursor shows one record at a time through its own mutable fields; nothing is allocated
 * per record, and key and value stay where they are in `buffer`.
 *
 * R1: `nextOffset` is known right after construction (from batch headers alone), so the next fetch
 *     can be sent before the first record is looked at. It moves past control batches and past what
 *     compaction removed, so a position always reaches the end of the log.
 * R2: an aborted transaction is skipped by producer id, from its first offset to its abort marker;
 *     only a record of a *control batch* is a marker, whatever keys data records carry.
 * R3: a batch that unpacks to more than we take is shown as one record without key and value, at its
 *     last offset, and `fault` says why: one producer must not stop the partition for all others.
 */
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  COMPRESSION_MASK,
  CONTROL_BIT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME_BIT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
  TRANSACTIONAL_BIT,
} from './batch-header.ts'
import { decompress } from './compression.ts'
import { crc32c } from './crc32c.ts'
import { RecordFormatError } from './errors.ts'
import { readInt64, readVarint, readVarlong, writeVarint } from './varint.ts'

/** What a read_committed fetch says about a transaction that was aborted. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface RecordSetOptions {
  /** The offset that was asked for; earlier records of the first batch are skipped. */
  readonly fromOffset: number
  /** Records from this offset on are not shown (default: no limit). */
  readonly untilOffset?: number
  /** As the fetch response lists them, in any order (default: none, as for read_uncommitted). */
  readonly abortedTransactions?: readonly AbortedTransaction[]
  /** Check each batch's CRC-32C when it is opened (default true). */
  readonly verifyCrc?: boolean
}

const NO_BYTES = Buffer.alloc(0)
const NO_VIEW = new DataView(NO_BYTES.buffer, 0, 0)
const ABORT_MARKER = 0

export class RecordSet {
  /** Offset of the current record. */
  offset = -1
  /** Broker's append time if the topic has LogAppendTime, else the producer's stamp. */
  timestampMs = -1
  /** Holds the current record; changes from batch to batch when batches are compressed. */
  buffer: Buffer = NO_BYTES
  /** The same bytes, for reading words of any alignment. */
  view: DataView = NO_VIEW
  /** Key bytes are `buffer[keyStart, keyEnd)`; both -1 for a null key. */
  keyStart = -1
  keyEnd = -1
  /** Value bytes are `buffer[valueStart, valueEnd)`; both -1 for null (a tombstone). */
  valueStart = -1
  valueEnd = -1
  /** Why the current record stands for a whole batch that cannot be shown (R3). */
  fault: string | undefined = undefined
  headerCount = 0
  /** Where the first header begins in `buffer`. */
  headersStart = -1

  /** Offset to fetch next: behind the last whole batch, or `fromOffset` if there is none. */
  readonly nextOffset: number
  /** Bytes of the response that this set keeps alive. */
  readonly sizeBytes: number
  /** There are bytes but not one whole batch: fetch again with a higher byte limit. */
  readonly truncated: boolean

  readonly #bytes: Buffer
  readonly #options: RecordSetOptions
  readonly #wholeEnd: number
  readonly #fromOffset: number
  readonly #untilOffset: number
  readonly #verifyCrc: boolean
  /** Aborted transactions not begun yet, by descending first offset (next one last). */
  readonly #abortedAhead: AbortedTransaction[]
  readonly #abortedOpen = new Set<number>()
  #batchAt = 0
  #recordsLeft = 0
  #baseOffset = 0
  #baseTimestampMs = 0
  /** The append time of the whole batch, or -1 when records carry their own time. */
  #appendTimeMs = -1
  #end = 0
  readonly #cursor = { at: 0 }

  constructor(bytes: Buffer, options: RecordSetOptions) {
    this.#bytes = bytes
    this.#options = options
    this.#fromOffset = options.fromOffset
    this.#untilOffset = options.untilOffset ?? Number.MAX_SAFE_INTEGER
    this.#verifyCrc = options.verifyCrc ?? true
    this.#abortedAhead = [...(options.abortedTransactions ?? [])].sort(
      (a, b) => b.firstOffset - a.firstOffset,
    )
    this.sizeBytes = bytes.length
    const { wholeEnd, nextOffset } = scanHeaders(bytes, options.fromOffset)
    this.#wholeEnd = wholeEnd
    this.nextOffset = nextOffset
    this.truncated = wholeEnd === 0 && bytes.length > 0
  }

  /** A second cursor over the same bytes, at their beginning. */
  again(): RecordSet {
    return new RecordSet(this.#bytes, this.#options)
  }

  /**
   * Moves to the next data record: not a control record, not of an aborted transaction, inside
   * [fromOffset, untilOffset). False at the end. Throws RecordFormatError on corrupt bytes.
   */
  next(): boolean {
    for (;;) {
      if (this.#recordsLeft === 0) {
        if (!this.#openNextBatch()) return false
        continue
      }
      this.#recordsLeft -= 1
      this.#readRecord()
      if (this.offset < this.#fromOffset) continue
      if (this.offset >= this.#untilOffset) {
        this.#recordsLeft = 0
        this.#batchAt = this.#wholeEnd
        return false
      }
      return true
    }
  }

  /** The current key as a view on `buffer`, or null. */
  key(): Buffer | null {
    return this.keyStart < 0 ? null : this.buffer.subarray(this.keyStart, this.keyEnd)
  }

  /** The current value as a view on `buffer`, or null. */
  value(): Buffer | null {
    return this.valueStart < 0 ? null : this.buffer.subarray(this.valueStart, this.valueEnd)
  }

  /** Decodes the headers of the current record; values are views on `buffer`. */
  headers(): RecordHeader[] {
    const headers: RecordHeader[] = []
    const cursor = { at: this.headersStart }
    for (let i = 0; i < this.headerCount; i++) {
      const keyBytes = this.#span(cursor)
      if (keyBytes === null) throw this.#corrupt('a header has no key')
      headers.push({ key: keyBytes.toString('utf8'), value: this.#span(cursor) })
    }
    return headers
  }

  #span(cursor: { at: number }): Buffer | null {
    const size = readVarint(this.buffer, cursor)
    if (size < 0) return null
    if (cursor.at + size > this.#end) throw this.#corrupt('a header reaches beyond its batch')
    const start = cursor.at
    cursor.at += size
    return this.buffer.subarray(start, cursor.at)
  }

  #openNextBatch(): boolean {
    while (this.#batchAt < this.#wholeEnd) {
      const bytes = this.#bytes
      const at = this.#batchAt
      const end = at + LENGTH_OVERHEAD + bytes.readInt32BE(at + BATCH_LENGTH_AT)
      this.#batchAt = end
      const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT)
      const baseOffset = readInt64(bytes, at + BASE_OFFSET_AT)
      const lastOffset = baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)
      const producerId = readInt64(bytes, at + PRODUCER_ID_AT)
      this.#beginAborted(lastOffset)
      // Old batches of the response may precede the position; their markers still count (R2).
      if ((attributes & CONTROL_BIT) !== 0) {
        this.#endAborted(at, end, producerId)
        continue
      }
      if (lastOffset < this.#fromOffset) continue
      if ((attributes & TRANSACTIONAL_BIT) !== 0 && this.#abortedOpen.has(producerId)) continue
      if (this.#verifyCrc) checkCrc(bytes, at, end, baseOffset)
      this.#enter(at, end, attributes, { baseOffset, lastOffset })
      return true
    }
    return false
  }

  #enter(
    at: number,
    end: number,
    attributes: number,
    { baseOffset, lastOffset }: { readonly baseOffset: number; readonly lastOffset: number },
  ): void {
    const bytes = this.#bytes
    this.fault = undefined
    this.#baseOffset = baseOffset
    this.#baseTimestampMs = readInt64(bytes, at + BASE_TIMESTAMP_AT)
    this.#appendTimeMs =
      (attributes & LOG_APPEND_TIME_BIT) !== 0 ? readInt64(bytes, at + MAX_TIMESTAMP_AT) : -1
    this.#recordsLeft = bytes.readInt32BE(at + RECORD_COUNT_AT)
    const compression = attributes & COMPRESSION_MASK
    if (compression === 0) {
      this.#show(bytes)
      this.#cursor.at = at + RECORDS_AT
      this.#end = end
    } else {
      this.#show(this.#unpacked(bytes.subarray(at + RECORDS_AT, end), compression, lastOffset))
      this.#cursor.at = 0
      this.#end = this.buffer.length
    }
  }

  /** The records of the batch, or the one that stands for them (R3). */
  #unpacked(packed: Buffer, compression: number, lastOffset: number): Buffer {
    try {
      return decompress(packed, compression)
    } catch (error) {
      if (!(error instanceof RecordFormatError)) throw error
      if (error.code !== 'RECORD_BATCH_TOO_LARGE') throw error
      this.fault = `${error.message} (offsets ${this.#baseOffset} to ${lastOffset})`
      this.#recordsLeft = 1
      return emptyRecord(lastOffset - this.#baseOffset)
    }
  }

  #show(bytes: Buffer): void {
    if (bytes === this.buffer) return
    this.buffer = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  #readRecord(): void {
    const buffer = this.buffer
    const cursor = this.#cursor
    const size = readVarint(buffer, cursor)
    const end = cursor.at + size
    if (size < 6 || end > this.#end) throw this.#corrupt(`a record claims ${String(size)} bytes`)
    cursor.at += 1 // record attributes: unused in this format
    const timestampDelta = readVarlong(buffer, cursor)
    this.timestampMs =
      this.#appendTimeMs >= 0 ? this.#appendTimeMs : this.#baseTimestampMs + timestampDelta
    this.offset = this.#baseOffset + readVarint(buffer, cursor)
    const keySize = readVarint(buffer, cursor)
    if (keySize < 0) {
      this.keyStart = -1
      this.keyEnd = -1
    } else {
      this.keyStart = cursor.at
      cursor.at += keySize
      this.keyEnd = cursor.at
    }
    const valueSize = readVarint(buffer, cursor)
    if (valueSize < 0) {
      this.valueStart = -1
      this.valueEnd = -1
    } else {
      this.valueStart = cursor.at
      cursor.at += valueSize
      this.valueEnd = cursor.at
    }
    this.headerCount = readVarint(buffer, cursor)
    this.headersStart = cursor.at
    if (cursor.at > end) throw this.#corrupt('key and value reach beyond their record')
    cursor.at = end
  }

  #beginAborted(lastOffset: number): void {
    for (;;) {
      const next = this.#abortedAhead.at(-1)
      if (next === undefined || next.firstOffset > lastOffset) return
      this.#abortedOpen.add(next.producerId)
      this.#abortedAhead.pop()
    }
  }

  /** Control record key: int16 version, int16 type (0 abort, 1 commit). */
  #endAborted(at: number, end: number, producerId: number): void {
    if (this.#abortedOpen.size === 0 || this.#bytes.readInt32BE(at + RECORD_COUNT_AT) < 1) return
    const cursor = { at: at + RECORDS_AT }
    readVarint(this.#bytes, cursor)
    cursor.at += 1
    readVarlong(this.#bytes, cursor)
    readVarint(this.#bytes, cursor)
    const keySize = readVarint(this.#bytes, cursor)
    if (keySize < 4 || cursor.at + 4 > end) return
    if (this.#bytes.readInt16BE(cursor.at + 2) === ABORT_MARKER)
      this.#abortedOpen.delete(producerId)
  }

  #corrupt(fact: string): RecordFormatError {
    return new RecordFormatError(
      'RECORD_CORRUPT',
      `Record batch at offset ${String(this.#baseOffset)} is corrupt: ${fact}`,
    )
  }
}

/** A record without key, value and headers, as it stands in a batch. */
function emptyRecord(offsetDelta: number): Buffer {
  const buffer = Buffer.alloc(16)
  let end = writeVarint(buffer, 3, offsetDelta)
  for (const field of [-1, -1, 0]) end = writeVarint(buffer, end, field)
  writeVarint(buffer, 0, end - 1) // one byte: the size of what follows, which begins with two zeros
  return buffer.subarray(0, end)
}

/** Finds the end of the last whole batch and the offset behind it, reading headers only (R1). */
function scanHeaders(
  bytes: Buffer,
  fromOffset: number,
): { readonly wholeEnd: number; readonly nextOffset: number } {
  let at = 0
  let nextOffset = fromOffset
  while (at + RECORDS_AT <= bytes.length) {
    const length = bytes.readInt32BE(at + BATCH_LENGTH_AT)
    const magic = bytes.readInt8(at + MAGIC_AT)
    const baseOffset = readInt64(bytes, at + BASE_OFFSET_AT)
    if (magic !== 2) {
      throw new RecordFormatError(
        'RECORD_UNSUPPORTED_MAGIC',
        `Record batch at offset ${String(baseOffset)} has format ${String(magic)}, only 2 is read; ` +
          'rewrite the topic with a producer of Kafka 0.11 or later',
      )
    }
    if (length < RECORDS_AT - LENGTH_OVERHEAD) {
      throw new RecordFormatError(
        'RECORD_CORRUPT',
        `Record batch at offset ${String(baseOffset)} claims ${String(length)} bytes`,
      )
    }
    const end = at + LENGTH_OVERHEAD + length
    if (end > bytes.length) break
    nextOffset = Math.max(nextOffset, baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1)
    at = end
  }
  return { wholeEnd: at, nextOffset }
}

function checkCrc(bytes: Buffer, at: number, end: number, baseOffset: number): void {
  const expected = bytes.readUInt32BE(at + CRC_AT)
  const actual = crc32c(bytes, at + ATTRIBUTES_AT, end)
  if (actual === expected) return
  throw new RecordFormatError(
    'RECORD_CRC_MISMATCH',
    `Record batch at offset ${String(baseOffset)} has CRC-32C ${actual.toString(16)}, ` +
      `its header says ${expected.toString(16)}`,
  )
}

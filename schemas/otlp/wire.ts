/**
 * Reads and writes the messages of OTLP. Integers of 64 bits are `bigint`: nanoseconds since 1970
 * exceed what a number holds exactly, and an object of `long` for each costs more.
 */
import protobuf from 'protobufjs/minimal.js'

/**
 * Bytes are looked into, not copied: keep them until the message is done with.
 *
 * @param maxValues of texts, bytes, lists and messages; reading more throws
 */
export const otlpReader = (bytes: Uint8Array, maxValues = Infinity): protobuf.Reader =>
  // The types of protobuf.js know 64 bits only as `Long`; the generated types say `bigint`.
  new BigIntReader(bytes, maxValues) as unknown as protobuf.Reader

export const otlpWriter = (): protobuf.Writer => new BigIntWriter() as unknown as protobuf.Writer

/** What is used of protobuf.js, without its own types of 64-bit integers. */
interface ReaderBase {
  readonly buf: Buffer
  pos: number
  readonly len: number
  size(): number
}
const Reader = protobuf.BufferReader as unknown as new (bytes: Buffer) => ReaderBase

class BigIntReader extends Reader {
  readonly #maxValues: number
  #values = 0

  constructor(bytes: Uint8Array, maxValues: number) {
    super(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    this.#maxValues = maxValues
  }

  /** In front of everything that has a length. */
  override size(): number {
    this.#values += 1
    if (this.#values > this.#maxValues) {
      throw new RangeError(`more than ${String(this.#maxValues)} values`)
    }
    return super.size()
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64())
  }

  /** LEB128: seven bits a byte, the lowest first, ten bytes at most. */
  uint64(): bigint {
    let low = 0
    let factor = 1
    for (let index = 0; index < 7; index++) {
      const byte = this.#byte()
      low += (byte & 0x7f) * factor
      if (byte < 0x80) return BigInt(low)
      factor *= 128
    }
    let value = BigInt(low)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Error('invalid varint encoding')
  }

  fixed64(): bigint {
    return this.buf.readBigUInt64LE(this.#skip(8))
  }

  sfixed64(): bigint {
    return this.buf.readBigInt64LE(this.#skip(8))
  }

  #byte(): number {
    return this.buf[this.#skip(1)]!
  }

  #skip(count: number): number {
    const start = this.pos
    if (start + count > this.len) throw new RangeError('index out of range')
    this.pos = start + count
    return start
  }
}

interface Bits {
  readonly low: number
  readonly high: number
  readonly unsigned: boolean
}
interface WriterBase {
  int64(value: Bits): this
  uint64(value: Bits): this
  fixed64(value: Bits): this
  sfixed64(value: Bits): this
  uint64s(values: readonly Bits[]): this
  fixed64s(values: readonly Bits[]): this
}
const Writer = protobuf.BufferWriter as unknown as new () => WriterBase

const bitsOf = (value: bigint): Bits => ({
  low: Number(BigInt.asIntN(32, value)),
  high: Number(BigInt.asIntN(32, value >> 32n)),
  unsigned: false,
})

class BigIntWriter extends Writer {
  override int64(value: unknown): this {
    return super.int64(bitsOf(value as bigint))
  }

  override uint64(value: unknown): this {
    return super.uint64(bitsOf(value as bigint))
  }

  override fixed64(value: unknown): this {
    return super.fixed64(bitsOf(value as bigint))
  }

  override sfixed64(value: unknown): this {
    return super.sfixed64(bitsOf(value as bigint))
  }

  override uint64s(values: readonly unknown[]): this {
    return super.uint64s((values as readonly bigint[]).map(bitsOf))
  }

  override fixed64s(values: readonly unknown[]): this {
    return super.fixed64s((values as readonly bigint[]).map(bitsOf))
  }
}

/**
 * Reads Protocol Buffers in place: no object per field, no text before somebody wants it.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * Only remote_write is read in this way. Of a request of 500 samples the usual decoder makes 10,000
 * strings that the cache of series then throws away; `ops/bench/remote-write-decode.ts` has both.
 */

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** The bytes are no message, or not this one. Nothing of the request is believed then. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

/** How a field of this number and wire type begins, where one byte holds both. */
export const tagOf = (field: number, wireType: number): number => (field << 3) | wireType

const MAX_VARINT_BYTES = 10
const EXPONENT = 0x7ff0_0000
const STALE_HIGH = 0x7ff0_0000
const STALE_LOW = 2

export class ProtobufReader {
  readonly bytes: Buffer
  readonly view: DataView
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Number and wire type of the next field, as `tagOf` makes them. */
  tag(end: number): number {
    const first = this.at < end ? this.bytes[this.at]! : 0x80
    if (first < 0x80) this.at += 1
    const tag = first < 0x80 ? first : this.unsigned(end)
    if (tag < 8 || tag > 0xffff_ffff)
      throw new ProtobufError(`field ${Math.floor(tag / 8)} at byte ${this.at}`)
    return tag
  }

  /** For `reader.expect(tag, WIRE.varint).unsigned(end)`. */
  expect(tag: number, wireType: number): this {
    if ((tag & 7) === wireType) return this
    throw new ProtobufError(`field ${tag >>> 3} has wire type ${tag & 7} before byte ${this.at}`)
  }

  /** An unsigned number of up to 64 bits, exact below 2^53. */
  unsigned(end: number): number {
    const { bytes } = this
    let { at } = this
    // The first 28 bits as integers, which is all of most numbers and half of a time.
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) throw cutShort(end)
      const byte = bytes[at++]!
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.at = at
        return low
      }
    }
    let high = 0
    let scale = 1
    for (let count = 4; count < MAX_VARINT_BYTES; count++) {
      if (at >= end) throw cutShort(end)
      const byte = bytes[at++]!
      high += (byte & 0x7f) * scale
      scale *= 0x80
      if (byte < 0x80) {
        this.at = at
        return high * 2 ** 28 + low
      }
    }
    throw new ProtobufError(`a number of more than ${MAX_VARINT_BYTES} bytes before byte ${at}`)
  }

  /** A number that protobuf calls int64: negative ones take ten bytes. Exact where |n| < 2^53. */
  signed(end: number): number {
    const start = this.at
    const value = this.unsigned(end)
    if (value < 2 ** 63) return value
    // Two's complement: near 2^64 a double has no room for what it is about.
    this.at = start
    return Number(BigInt.asIntN(64, this.#bigUnsigned()))
  }

  /** A number that protobuf calls sint32 or sint64. Exact where |n| < 2^52. */
  zigzag(end: number): number {
    const value = this.unsigned(end)
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  double(end: number): number {
    return this.view.getFloat64(this.#advance(8, end), true)
  }

  /** Whether the double that comes next is no finite number. */
  isNotFinite(end: number): boolean {
    return end - this.at >= 8 && (this.view.getUint32(this.at + 4, true) & EXPONENT) === EXPONENT
  }

  /**
   * Whether the double that comes next is Prometheus' marker for the end of a series. By its bits:
   * an engine may give any NaN the bits of another.
   */
  isStaleMarker(end: number): boolean {
    return (
      end - this.at >= 8 &&
      this.view.getUint32(this.at + 4, true) === STALE_HIGH &&
      this.view.getUint32(this.at, true) === STALE_LOW
    )
  }

  /** Enters a field of bytes, text or a message; answers where it ends. */
  enter(end: number): number {
    const first = this.at < end ? this.bytes[this.at]! : 0x80
    if (first < 0x80) this.at += 1
    const length = first < 0x80 ? first : this.unsigned(end)
    if (length > end - this.at) throw cutShort(end)
    return this.at + length
  }

  /** Steps over a field that means nothing to us. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.unsigned(end)
        return
      case WIRE.fixed64:
        this.#advance(8, end)
        return
      case WIRE.bytes:
        this.at = this.enter(end)
        return
      case WIRE.fixed32:
        this.#advance(4, end)
        return
      default:
        throw new ProtobufError(`wire type ${tag & 7} at byte ${this.at}`)
    }
  }

  #bigUnsigned(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  #advance(bytes: number, end: number): number {
    const start = this.at
    if (bytes > end - start) throw cutShort(end)
    this.at = start + bytes
    return start
  }
}

const cutShort = (end: number): ProtobufError => new ProtobufError(`it is cut short at byte ${end}`)

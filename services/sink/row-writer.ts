/**
 * Rows in ClickHouse's RowBinary: values one behind the other, little-endian, strings with a LEB128
 * length. https://clickhouse.com/docs/interfaces/formats/RowBinary
 *
 * Chosen over JSONEachRow since it needs no text form of numbers (NaN and infinities keep their
 * bits, 64-bit integers their digits) and since Avro bytes can be copied where both agree.
 */
const TWO_32 = 2 ** 32

export class RowWriter {
  sizeBytes = 0
  #buffer: Buffer
  #view: DataView

  constructor(initialBytes = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.#view = new DataView(this.#buffer.buffer)
  }

  /** Bytes of memory that it holds, whether or not they are in use. */
  get capacityBytes(): number {
    return this.#buffer.length
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.sizeBytes + count
    if (wanted <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#buffer.length))
    this.#buffer.copy(grown, 0, 0, this.sizeBytes)
    this.#buffer = grown
    this.#view = new DataView(grown.buffer)
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.sizeBytes)
  }

  byte(value: number): void {
    this.reserve(1)
    this.#buffer[this.sizeBytes++] = value
  }

  varuint(value: number): void {
    this.reserve(10)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.sizeBytes++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.sizeBytes++] = rest
  }

  int32(value: number): void {
    this.reserve(4)
    this.#view.setInt32(this.sizeBytes, value, true)
    this.sizeBytes += 4
  }

  /** A whole number up to 2^53 either way; two's complement. */
  int64(value: number): void {
    this.reserve(8)
    const high = Math.floor(value / TWO_32)
    this.#view.setUint32(this.sizeBytes, value - high * TWO_32, true)
    this.#view.setInt32(this.sizeBytes + 4, high, true)
    this.sizeBytes += 8
  }

  /** An integer of at most 16 bytes, two's complement, big-endian. */
  int128(value: Uint8Array): void {
    this.reserve(16)
    const extension = (value[0] ?? 0) >= 0x80 ? 0xff : 0
    for (let at = value.length - 1; at >= 0; at--) this.#buffer[this.sizeBytes++] = value[at] ?? 0
    for (let count = value.length; count < 16; count++) this.#buffer[this.sizeBytes++] = extension
  }

  float64(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.sizeBytes, value, true)
    this.sizeBytes += 8
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.varuint(length)
    this.reserve(length)
    this.sizeBytes += this.#buffer.write(value, this.sizeBytes, length, 'utf8')
  }

  blob(value: Uint8Array): void {
    this.varuint(value.length)
    this.raw(value)
  }

  /** Bytes in [start, end) that are in RowBinary already: short ones, from where a view exists. */
  copy(source: DataView, start: number, end: number): void {
    this.reserve(end - start)
    const view = this.#view
    let to = this.sizeBytes
    let at = start
    for (const lastWord = end - 3; at < lastWord; at += 4, to += 4) {
      view.setInt32(to, source.getInt32(at))
    }
    for (; at < end; at++, to++) view.setUint8(to, source.getUint8(at))
    this.sizeBytes = to
  }

  /** Bytes that are in RowBinary already. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.#buffer.set(value, this.sizeBytes)
    this.sizeBytes += value.length
  }
}

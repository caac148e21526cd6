/**
 * Rows in ClickHouse's RowBinary: values one behind the other, little-endian, strings with a LEB128
 * length. https://clickhouse.com/docs/interfaces/formats/RowBinary
 *
 * Chosen over JSONEachRow since it needs no text form of numbers (NaN and infinities keep their
 * bits, 64-bit integers their digits) and since Avro bytes can be copied where both agree.
 */
const TWO_32 = 2 ** 32

export class RowWriter {
  buffer: Buffer
  sizeBytes = 0

  constructor(initialBytes = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.sizeBytes + count
    if (wanted <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.buffer.length))
    this.buffer.copy(grown, 0, 0, this.sizeBytes)
    this.buffer = grown
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.sizeBytes)
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.sizeBytes++] = value
  }

  varuint(value: number): void {
    this.reserve(10)
    let rest = value
    while (rest > 0x7f) {
      this.buffer[this.sizeBytes++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.buffer[this.sizeBytes++] = rest
  }

  int32(value: number): void {
    this.reserve(4)
    this.sizeBytes = this.buffer.writeInt32LE(value, this.sizeBytes)
  }

  /** A whole number up to 2^53 either way; two's complement. */
  int64(value: number): void {
    this.reserve(8)
    const high = Math.floor(value / TWO_32)
    this.sizeBytes = this.buffer.writeUInt32LE(value - high * TWO_32, this.sizeBytes)
    this.sizeBytes = this.buffer.writeInt32LE(high, this.sizeBytes)
  }

  float64(value: number): void {
    this.reserve(8)
    this.sizeBytes = this.buffer.writeDoubleLE(value, this.sizeBytes)
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.varuint(length)
    this.reserve(length)
    this.sizeBytes += this.buffer.write(value, this.sizeBytes, length, 'utf8')
  }

  blob(value: Uint8Array): void {
    this.varuint(value.length)
    this.raw(value)
  }

  /** Bytes that are in RowBinary already. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.buffer.set(value, this.sizeBytes)
    this.sizeBytes += value.length
  }
}

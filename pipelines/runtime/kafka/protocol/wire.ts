/**
 * Primitive types of the Kafka protocol (kafka.apache.org/protocol#protocol_types).
 *
 * "Flexible" versions (KIP-482) use compact lengths (unsigned varint of length + 1) and tagged
 * fields; the same reader and writer serve both, told by `flexible`.
 */
import { readInt64, writeInt64 } from '../../record/varint.ts'

/** Raw byte blocks from this size on are sent as they are instead of being copied. */
const SPLICE_BYTES = 1024

export class WireWriter {
  readonly flexible: boolean
  readonly #done: Buffer[] = []
  #buffer = Buffer.allocUnsafe(512)
  #end = 0

  constructor(flexible = false) {
    this.flexible = flexible
  }

  int8(value: number): void {
    this.#reserve(1)
    this.#buffer.writeInt8(value, this.#end)
    this.#end += 1
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#buffer.writeInt16BE(value, this.#end)
    this.#end += 2
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#buffer.writeInt32BE(value, this.#end)
    this.#end += 4
  }

  int64(value: number): void {
    this.#reserve(8)
    writeInt64(this.#buffer, this.#end, value)
    this.#end += 8
  }

  /** 16 bytes from the usual text form. */
  uuid(value: string): void {
    this.#copy(Buffer.from(value.replaceAll('-', ''), 'hex'))
  }

  string(value: string | null): void {
    if (value === null) {
      this.#length(-1, 2)
      return
    }
    const bytes = Buffer.from(value, 'utf8')
    this.#length(bytes.length, 2)
    this.#copy(bytes)
  }

  bytes(value: Buffer | null): void {
    this.#length(value === null ? -1 : value.length, 4)
    if (value !== null) this.#raw(value)
  }

  array<Item>(items: readonly Item[] | null, write: (item: Item) => void): void {
    this.#length(items === null ? -1 : items.length, 4)
    if (items !== null) for (const item of items) write(item)
  }

  /** The empty tagged-field section that ends every structure of a flexible version. */
  tags(): void {
    if (this.flexible) this.int8(0)
  }

  /** The parts in order; large byte blocks are the caller's own buffers, not copies. */
  finish(): Buffer[] {
    return [...this.#done, this.#buffer.subarray(0, this.#end)]
  }

  #length(length: number, plainBytes: 2 | 4): void {
    if (this.flexible) this.#unsignedVarint(length + 1)
    else if (plainBytes === 2) this.int16(length)
    else this.int32(length)
  }

  #unsignedVarint(value: number): void {
    this.#reserve(5)
    let left = value
    while (left > 0x7f) {
      this.#buffer[this.#end++] = (left & 0x7f) | 0x80
      left >>>= 7
    }
    this.#buffer[this.#end++] = left
  }

  #raw(value: Buffer): void {
    if (value.length < SPLICE_BYTES) {
      this.#copy(value)
      return
    }
    this.#done.push(this.#buffer.subarray(0, this.#end), value)
    this.#buffer = Buffer.allocUnsafe(512)
    this.#end = 0
  }

  #copy(value: Buffer): void {
    this.#reserve(value.length)
    value.copy(this.#buffer, this.#end)
    this.#end += value.length
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#end + bytes, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}

export class WireReader {
  readonly flexible: boolean
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer, flexible = false) {
    this.#bytes = bytes
    this.flexible = flexible
  }

  int8(): number {
    const value = this.#bytes.readInt8(this.#at)
    this.#at += 1
    return value
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int16(): number {
    const value = this.#bytes.readInt16BE(this.#at)
    this.#at += 2
    return value
  }

  int32(): number {
    const value = this.#bytes.readInt32BE(this.#at)
    this.#at += 4
    return value
  }

  int64(): number {
    const value = readInt64(this.#bytes, this.#at)
    this.#at += 8
    return value
  }

  uuid(): string {
    const hex = this.#take(16).toString('hex')
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      hex.slice(12, 16),
      hex.slice(16, 20),
      hex.slice(20),
    ].join('-')
  }

  nullableString(): string | null {
    const length = this.#length(2)
    return length < 0 ? null : this.#take(length).toString('utf8')
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  /** A view on the response; null becomes empty. */
  bytes(): Buffer {
    const length = this.#length(4)
    return length <= 0 ? this.#bytes.subarray(0, 0) : this.#take(length)
  }

  array<Item>(read: () => Item): Item[] {
    const length = this.#length(4)
    const items: Item[] = []
    for (let i = 0; i < length; i++) items.push(read())
    return items
  }

  tags(): void {
    if (!this.flexible) return
    const count = this.#unsignedVarint()
    for (let i = 0; i < count; i++) {
      this.#unsignedVarint()
      const size = this.#unsignedVarint()
      this.#take(size)
    }
  }

  #length(plainBytes: 2 | 4): number {
    if (this.flexible) return this.#unsignedVarint() - 1
    return plainBytes === 2 ? this.int16() : this.int32()
  }

  #unsignedVarint(): number {
    let value = 0
    let shift = 0
    let byte: number
    do {
      byte = this.#bytes.readUInt8(this.#at++)
      value |= (byte & 0x7f) << shift
      shift += 7
    } while ((byte & 0x80) !== 0 && shift < 35)
    return value >>> 0
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) {
      throw new RangeError(
        `Kafka response ends at byte ${String(this.#bytes.length)}, a field needs ${String(end)}`,
      )
    }
    const view = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return view
  }
}

/**
 * What the columns of a series are encoded to, by the bytes they come from: those repeat with every
 * point of the series.
 *
 * A hash table over one growing buffer that holds key bytes and encoded bytes behind each other, so
 * that a million look-ups make no garbage and the memory is known: at most `limitBytes`, and 16
 * bytes per entry. What does not fit any more makes it start over, rather than keep an order of use
 * per record.
 */
import { murmur2In } from '../../pipelines/runtime/record/murmur2.ts'

const EMPTY = -1
const FIRST_BYTES = 64 * 1024
const FIRST_ENTRIES = 256
/** Per entry: hash, where its key begins, where its encoded bytes begin, where they end. */
const FIELDS = 4

export class EncodedSeries {
  /** Holds what `find` found, in [start, end). */
  view: DataView
  start = 0
  end = 0
  readonly #limitBytes: number
  #bytes: Buffer
  #usedBytes = 0
  /** Entry by hash, open addressing; a power of two, at most half full. */
  #slots = new Int32Array(2 * FIRST_ENTRIES).fill(EMPTY)
  #entries = new Int32Array(FIELDS * FIRST_ENTRIES)
  #count = 0
  /** Of the latest `find`. */
  #hash = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(FIRST_BYTES, limitBytes))
    this.view = viewOf(this.#bytes)
  }

  get heldBytes(): number {
    return this.#bytes.length
  }

  /** Looks the bytes in [start, end) up; true when `view`, `start` and `end` have what they become. */
  find(source: DataView, start: number, end: number): boolean {
    const hash = murmur2In(source, start, end)
    this.#hash = hash
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!
      if (entry === EMPTY) return false
      const at = FIELDS * entry
      if (this.#entries[at] !== hash || !this.#holds(at, source, start, end)) continue
      this.start = this.#entries[at + 2]!
      this.end = this.#entries[at + 3]!
      return true
    }
  }

  /** Remembers what the bytes become that `find` has just not found. */
  add(source: Uint8Array, start: number, end: number, encoded: Uint8Array): void {
    const neededBytes = end - start + encoded.length
    if (neededBytes > this.#limitBytes) return
    if (this.#usedBytes + neededBytes > this.#limitBytes) this.#clear()
    this.#reserve(neededBytes)
    const keyStart = this.#usedBytes
    const encodedStart = keyStart + end - start
    this.#bytes.set(source.subarray(start, end), keyStart)
    this.#bytes.set(encoded, encodedStart)
    this.#usedBytes += neededBytes
    if (FIELDS * this.#count === this.#entries.length) this.#growEntries()
    const fields = [this.#hash, keyStart, encodedStart, this.#usedBytes]
    this.#entries.set(fields, FIELDS * this.#count)
    this.#place(this.#count)
    this.#count += 1
  }

  #holds(at: number, source: DataView, start: number, end: number): boolean {
    const keyStart = this.#entries[at + 1]!
    if (this.#entries[at + 2]! - keyStart !== end - start) return false
    const { view } = this
    let own = keyStart
    let other = start
    for (const lastWord = end - 3; other < lastWord; other += 4, own += 4) {
      if (view.getInt32(own) !== source.getInt32(other)) return false
    }
    for (; other < end; other++, own++) {
      if (view.getUint8(own) !== source.getUint8(other)) return false
    }
    return true
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#entries[FIELDS * entry]! & mask
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
    this.#slots[slot] = entry
  }

  #growEntries(): void {
    const entries = new Int32Array(2 * this.#entries.length)
    entries.set(this.#entries)
    this.#entries = entries
    this.#slots = new Int32Array(2 * this.#slots.length).fill(EMPTY)
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry)
  }

  #reserve(bytes: number): void {
    const needed = this.#usedBytes + bytes
    if (needed <= this.#bytes.length) return
    const length = Math.min(this.#limitBytes, Math.max(needed, 2 * this.#bytes.length))
    const grown = Buffer.allocUnsafeSlow(length)
    this.#bytes.copy(grown, 0, 0, this.#usedBytes)
    this.#bytes = grown
    this.view = viewOf(grown)
  }

  #clear(): void {
    this.#usedBytes = 0
    this.#count = 0
    this.#slots.fill(EMPTY)
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView =>
  new DataView(buffer, byteOffset, length)

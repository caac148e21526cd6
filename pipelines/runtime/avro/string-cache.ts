/**
 * Strings by their UTF-8 bytes, for fields whose values repeat. Direct-mapped: a slot holds the
 * string that used it last, so memory is bounded (`slots` strings of at most 48 bytes) whatever comes.
 */
const LONGEST_BYTES = 48
const NO_BYTES = Buffer.alloc(0)
/** Odd, bits well mixed (that of murmur2). */
const MULTIPLIER = 0x5bd1e995

export class StringCache {
  readonly #mask: number
  readonly #bytes: Buffer
  readonly #view: DataView
  /** -1: the slot was never used. */
  readonly #lengths: Int8Array
  readonly #strings: string[]
  /** Many strings are read from one buffer: the view of the last one. */
  #viewed: Buffer = NO_BYTES
  #viewOfViewed: DataView = new DataView(NO_BYTES.buffer, 0, 0)

  /** `slots`: a power of two, some times the number of values that repeat. */
  constructor({ slots }: { readonly slots: number }) {
    this.#mask = slots - 1
    this.#bytes = Buffer.alloc(slots * LONGEST_BYTES)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset)
    this.#lengths = new Int8Array(slots).fill(-1)
    this.#strings = new Array<string>(slots).fill('')
  }

  /** The string in `length` bytes at `pos`; the caller has checked the bounds. */
  read(buffer: Buffer, pos: number, length: number): string {
    if (length > LONGEST_BYTES) return buffer.toString('utf8', pos, pos + length)
    if (length === 0) return ''
    if (buffer !== this.#viewed) {
      this.#viewed = buffer
      this.#viewOfViewed = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    }
    const view = this.#viewOfViewed
    const slot = hashOf(view, pos, length) & this.#mask
    if (this.#lengths[slot] === length && this.#holds(slot, view, pos, length)) {
      return this.#strings[slot]!
    }
    const text = buffer.toString('utf8', pos, pos + length)
    this.#lengths[slot] = length
    this.#strings[slot] = text
    buffer.copy(this.#bytes, slot * LONGEST_BYTES, pos, pos + length)
    return text
  }

  #holds(slot: number, view: DataView, pos: number, length: number): boolean {
    const own = this.#view
    const from = slot * LONGEST_BYTES
    const words = length & ~3
    let at = 0
    for (; at < words; at += 4) {
      if (own.getInt32(from + at) !== view.getInt32(pos + at)) return false
    }
    for (; at < length; at++) {
      if (own.getUint8(from + at) !== view.getUint8(pos + at)) return false
    }
    return true
  }
}

/** Word by word, as `#holds` compares: a name of 21 bytes takes 14 ns instead of 40. */
const hashOf = (view: DataView, pos: number, length: number): number => {
  let hash = length
  let at = pos
  for (const lastWord = pos + (length & ~3); at < lastWord; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at), MULTIPLIER)
    hash ^= hash >>> 15
  }
  for (const end = pos + length; at < end; at++)
    hash = Math.imul(hash ^ view.getUint8(at), MULTIPLIER)
  return hash ^ (hash >>> 13)
}

/**
 * Strings by their UTF-8 bytes, for fields whose values repeat. Direct-mapped: a slot holds the
 * string that used it last, so memory is bounded (`slots` strings of at most 48 bytes) whatever comes.
 */
const LONGEST_BYTES = 48

export class StringCache {
  readonly #mask: number
  readonly #bytes: Uint8Array
  /** -1: the slot was never used. */
  readonly #lengths: Int8Array
  readonly #strings: string[]

  /** `slots`: a power of two, some times the number of values that repeat. */
  constructor({ slots }: { readonly slots: number }) {
    this.#mask = slots - 1
    this.#bytes = new Uint8Array(slots * LONGEST_BYTES)
    this.#lengths = new Int8Array(slots).fill(-1)
    this.#strings = new Array<string>(slots).fill('')
  }

  /** The string in `length` bytes at `pos`; the caller has checked the bounds. */
  read(buffer: Buffer, pos: number, length: number): string {
    if (length > LONGEST_BYTES) return buffer.toString('utf8', pos, pos + length)
    if (length === 0) return ''
    let hash = length
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + buffer[pos + i]!) | 0
    const slot = (hash ^ (hash >>> 11)) & this.#mask
    if (this.#lengths[slot] === length && this.#holds(slot, buffer, pos, length)) {
      return this.#strings[slot]!
    }
    const text = buffer.toString('utf8', pos, pos + length)
    this.#lengths[slot] = length
    this.#strings[slot] = text
    const from = slot * LONGEST_BYTES
    for (let i = 0; i < length; i++) this.#bytes[from + i] = buffer[pos + i]!
    return text
  }

  #holds(slot: number, buffer: Buffer, pos: number, length: number): boolean {
    const from = slot * LONGEST_BYTES
    for (let i = 0; i < length; i++) {
      if (this.#bytes[from + i] !== buffer[pos + i]) return false
    }
    return true
  }
}

/**
 * Strings by their UTF-8 bytes, for fields whose values repeat. Direct-mapped: a slot holds the
 * string that used it last, so memory is bounded (256 slots of at most 48 bytes) whatever comes.
 */
const SLOTS = 256
const LONGEST_BYTES = 48

export class StringCache {
  readonly #bytes = new Uint8Array(SLOTS * LONGEST_BYTES)
  /** -1: the slot was never used. */
  readonly #lengths = new Int8Array(SLOTS).fill(-1)
  readonly #strings: string[] = new Array<string>(SLOTS).fill('')

  /** The string in `length` bytes at `pos`; the caller has checked the bounds. */
  read(buffer: Buffer, pos: number, length: number): string {
    if (length > LONGEST_BYTES) return buffer.toString('utf8', pos, pos + length)
    if (length === 0) return ''
    let hash = length
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + buffer[pos + i]!) | 0
    const slot = (hash ^ (hash >>> 11)) & (SLOTS - 1)
    if (this.#lengths[slot] === length && this.#holds(slot, buffer, pos, length)) {
      return this.#strings[slot]!
    }
    const text = buffer.toString('utf8', pos, pos + length)
    this.#lengths[slot] = length
    this.#strings[slot] = text
    this.#bytes.set(buffer.subarray(pos, pos + length), slot * LONGEST_BYTES)
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

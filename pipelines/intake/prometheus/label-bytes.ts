/** Puts together the bytes that name a series (`labels.ts`) where a message does not have them in one piece. */
import { LABEL_TAG, NAME_TAG, VALUE_TAG } from './labels.ts'

/** More than any key can have come from. */
export const MAX_LABEL_BYTES = 32 * 1024
/** Tags and lengths of one label or text. */
const OVERHEAD_BYTES = 2 + 2 * 5
/** Below this a loop beats the call into `Buffer.copy`. */
const COPY_LOOP_BYTES = 24

export class LabelBytes {
  readonly bytes = Buffer.allocUnsafeSlow(MAX_LABEL_BYTES)
  readonly view = new DataView(this.bytes.buffer)
  /** Beyond MAX_LABEL_BYTES where not everything had room: whoever looks it up hears so. */
  length = 0

  clear(): void {
    this.length = 0
  }

  copy(source: Buffer, start: number, end: number): void {
    if (this.#fits(end - start)) this.#piece(source, start, end)
  }

  text(tag: number, text: string): void {
    const size = Buffer.byteLength(text)
    if (!this.#fits(size + OVERHEAD_BYTES)) return
    this.bytes[this.length++] = tag
    this.#size(size)
    this.length += this.bytes.write(text, this.length)
  }

  /** A field of text that stands in `source`, its length in front. */
  field(tag: number, source: Buffer, start: number, end: number): void {
    if (!this.#fits(end - start + OVERHEAD_BYTES)) return
    this.bytes[this.length++] = tag
    this.#piece(source, start, end)
  }

  /** A label whose name and value stand in `source`, their lengths in front. */
  label(source: Buffer, nameStart: number, nameEnd: number, start: number, end: number): void {
    const size = nameEnd - nameStart + end - start + 2
    if (!this.#fits(size + OVERHEAD_BYTES)) return
    this.bytes[this.length++] = LABEL_TAG
    this.#size(size)
    this.bytes[this.length++] = NAME_TAG
    this.#piece(source, nameStart, nameEnd)
    this.bytes[this.length++] = VALUE_TAG
    this.#piece(source, start, end)
  }

  #fits(size: number): boolean {
    if (this.length + size <= MAX_LABEL_BYTES) return true
    this.length = MAX_LABEL_BYTES + 1
    return false
  }

  #size(size: number): void {
    let left = size
    for (; left > 0x7f; left >>>= 7) this.bytes[this.length++] = (left & 0x7f) | 0x80
    this.bytes[this.length++] = left
  }

  #piece(source: Buffer, start: number, end: number): void {
    const { bytes } = this
    let at = this.length
    if (end - start > COPY_LOOP_BYTES) at += source.copy(bytes, at, start, end)
    else for (let from = start; from < end; from++) bytes[at++] = source[from]!
    this.length = at
  }
}

/**
 * A body as it comes, a chunk at a time. As a Buffer of its own a single byte takes 400: so behind the
 * first few, which is all of an ordinary body, small chunks are copied together.
 */
const FEW = 16
const SMALL_BYTES = 1_024
const PLACE_BYTES = 16 * 1_024

export class Chunks {
  readonly #chunks: Buffer[] = []
  /** Where small ones are copied to; those in [start, end) are not in the list yet. */
  #place = Buffer.alloc(0)
  #start = 0
  #end = 0

  add(chunk: Buffer): void {
    if (this.#chunks.length < FEW || chunk.length >= SMALL_BYTES) {
      this.#listSmall()
      this.#chunks.push(chunk)
      return
    }
    if (this.#end + chunk.length > this.#place.length) {
      this.#listSmall()
      this.#place = Buffer.allocUnsafeSlow(PLACE_BYTES)
      this.#start = 0
      this.#end = 0
    }
    this.#end += chunk.copy(this.#place, this.#end)
  }

  joined(): Buffer {
    this.#listSmall()
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
  }

  #listSmall(): void {
    if (this.#end > this.#start) this.#chunks.push(this.#place.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
}

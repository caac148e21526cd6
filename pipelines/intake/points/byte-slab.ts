/** Many small buffers that live as long as each other, in few large ones. */
const SLAB_BYTES = 64 * 1024

export class ByteSlab {
  #slab = Buffer.alloc(0)
  #used = 0

  copy(bytes: Uint8Array): Buffer {
    const target = this.#take(bytes.length)
    target.set(bytes)
    return target
  }

  text(text: string): Buffer {
    const target = this.#take(Buffer.byteLength(text))
    target.write(text)
    return target
  }

  #take(bytes: number): Buffer {
    if (bytes > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(bytes)
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += bytes
    return this.#slab.subarray(start, this.#used)
  }
}

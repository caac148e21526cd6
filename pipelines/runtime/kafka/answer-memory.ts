/**
 * Memory for large answers, used again when a reader is done with one.
 *
 * A task reads megabytes a second in answers of about one. Were each a new allocation, V8 would
 * collect the whole heap every few of them: it counts what lies outside of it.
 *
 * A1: only memory that was lent by `take` and came back by `giveBack` is lent again. What never
 *     comes back is garbage like any other.
 */

/** Smaller answers are not worth it. */
const SMALLEST_BYTES = 64 * 1024
/** Sizes are rounded up, so that answers of about the same size share memory. */
const STEP_BYTES = 256 * 1024
/** What is kept for later, and not in use. */
const KEPT_BYTES = 32 * 1024 * 1024

export class AnswerMemory {
  readonly #lent = new WeakSet<ArrayBufferLike>()
  readonly #free: ArrayBuffer[] = []
  #freeBytes = 0

  take(sizeBytes: number): Buffer {
    if (sizeBytes < SMALLEST_BYTES) return Buffer.allocUnsafe(sizeBytes)
    const memory = this.#takeFree(sizeBytes) ?? allocate(sizeBytes)
    this.#lent.add(memory)
    return Buffer.from(memory, 0, sizeBytes)
  }

  /** Nobody may look at it any more (A1). */
  giveBack(memory: ArrayBufferLike): void {
    if (!this.#lent.delete(memory) || !(memory instanceof ArrayBuffer)) return
    if (this.#freeBytes + memory.byteLength > KEPT_BYTES) return
    this.#free.push(memory)
    this.#freeBytes += memory.byteLength
  }

  /** One that is large enough, and not twice as large as needed. */
  #takeFree(sizeBytes: number): ArrayBuffer | undefined {
    const mostBytes = Math.max(STEP_BYTES, 2 * sizeBytes)
    const index = this.#free.findLastIndex(
      ({ byteLength }) => byteLength >= sizeBytes && byteLength <= mostBytes,
    )
    if (index < 0) return undefined
    const [memory] = this.#free.splice(index, 1)
    this.#freeBytes -= memory?.byteLength ?? 0
    return memory
  }
}

/** Not filled with zeros, unlike `new ArrayBuffer`: an answer fills it. */
const allocate = (sizeBytes: number): ArrayBuffer =>
  Buffer.allocUnsafeSlow(Math.ceil(sizeBytes / STEP_BYTES) * STEP_BYTES).buffer

/**
 * Puts the answers of a broker together from what a socket delivers, bit by bit.
 *
 * Each answer (int32 size, int32 correlation id, payload) gets one buffer, and its bytes are copied
 * once. So the memory that the socket reads into can be the same one for ever:
 * a fresh 64 KiB for every read makes V8 collect garbage dozens of times a second under load.
 */
import type { AnswerMemory } from './answer-memory.ts'

/** A fetch asks for at most 256 MiB; more is no Kafka. `HTTP` read as a size is 1.2 GB. */
export const MAX_ANSWER_BYTES = 288 * 1024 * 1024
const SIZE_BYTES = 4
const CORRELATION_ID_BYTES = 4

export interface Answer {
  readonly correlationId: number
  readonly payload: Buffer
}

export class ResponseAssembler {
  readonly #onAnswer: (answer: Answer) => void
  readonly #onInvalidSize: (sizeBytes: number) => void
  readonly #memory: AnswerMemory
  readonly #size = Buffer.alloc(SIZE_BYTES)
  #sizeFilled = 0
  #body: Buffer | undefined
  #bodyFilled = 0
  #isBroken = false

  constructor(options: {
    readonly memory: AnswerMemory
    readonly onAnswer: (answer: Answer) => void
    /** No answer has such a size: nothing is delivered any more. */
    readonly onInvalidSize: (sizeBytes: number) => void
  }) {
    this.#memory = options.memory
    this.#onAnswer = options.onAnswer
    this.#onInvalidSize = options.onInvalidSize
  }

  /** Whole answers are delivered at once; of `chunk` nothing is kept. */
  take(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.#isBroken) {
      at += this.#body === undefined ? this.#takeSize(chunk, at) : this.#takeBody(chunk, at)
    }
  }

  #takeSize(chunk: Uint8Array, at: number): number {
    const taken = Math.min(SIZE_BYTES - this.#sizeFilled, chunk.length - at)
    this.#size.set(chunk.subarray(at, at + taken), this.#sizeFilled)
    this.#sizeFilled += taken
    if (this.#sizeFilled < SIZE_BYTES) return taken
    this.#sizeFilled = 0
    const sizeBytes = this.#size.readInt32BE(0)
    if (sizeBytes < CORRELATION_ID_BYTES || sizeBytes > MAX_ANSWER_BYTES) {
      this.#isBroken = true
      this.#onInvalidSize(sizeBytes)
      return taken
    }
    this.#body = this.#memory.take(sizeBytes)
    this.#bodyFilled = 0
    return taken
  }

  #takeBody(chunk: Uint8Array, at: number): number {
    const body = this.#body
    if (body === undefined) return 0
    const taken = Math.min(body.length - this.#bodyFilled, chunk.length - at)
    body.set(chunk.subarray(at, at + taken), this.#bodyFilled)
    this.#bodyFilled += taken
    if (this.#bodyFilled < body.length) return taken
    this.#body = undefined
    const correlationId = body.readInt32BE(0)
    this.#onAnswer({ correlationId, payload: body.subarray(CORRELATION_ID_BYTES) })
    return taken
  }
}

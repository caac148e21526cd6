/** Row writers for drafts: reused, since each holds some megabytes, and counted. */
import { RowWriter } from './row-writer.ts'

export interface WriterPoolOptions {
  /** What all drafts may hold before they are sent early. */
  readonly budgetBytes: number
  /** How many unused ones are kept. */
  readonly idle: number
  /** What one of them may hold: a huge record must not stay in memory for ever. */
  readonly idleBytes: number
}

export class WriterPool {
  readonly #options: WriterPoolOptions
  readonly #used = new Set<RowWriter>()
  readonly #idle: RowWriter[] = []

  constructor(options: WriterPoolOptions) {
    this.#options = options
  }

  take(): RowWriter {
    const writer = this.#idle.pop() ?? new RowWriter()
    writer.sizeBytes = 0
    this.#used.add(writer)
    return writer
  }

  giveBack(writer: RowWriter): void {
    if (!this.#used.delete(writer)) return
    const { idle, idleBytes } = this.#options
    if (this.#idle.length < idle && writer.capacityBytes <= idleBytes) this.#idle.push(writer)
  }

  /** Forgets one that may still be read from. */
  discard(writer: RowWriter): void {
    this.#used.delete(writer)
  }

  get isExceeded(): boolean {
    let sizeBytes = 0
    for (const writer of this.#used) sizeBytes += writer.sizeBytes
    return sizeBytes > this.#options.budgetBytes
  }
}

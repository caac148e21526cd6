/**
 * Which offset of a partition may be committed while records finish in any order: the one behind
 * the last record before which everything is finished.
 */
export class OffsetTracker {
  readonly #open = new Set<number>()
  #next: number
  #committed: number

  constructor(position: number) {
    this.#next = position
    this.#committed = position
  }

  start(offset: number): void {
    this.#open.add(offset)
    this.#next = offset + 1
  }

  finish(offset: number): void {
    this.#open.delete(offset)
  }

  /** Control records and skipped stretches: nothing there to wait for. */
  skipTo(offset: number): void {
    this.#next = Math.max(this.#next, offset)
  }

  /** Undefined when nothing has moved since `committed`. Offsets start in ascending order. */
  get committable(): number | undefined {
    const [oldest] = this.#open
    const offset = oldest ?? this.#next
    return offset > this.#committed ? offset : undefined
  }

  committed(offset: number): void {
    this.#committed = offset
  }
}

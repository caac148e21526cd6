/** How fast Kafka has taken bytes over the last seconds, for saying when there may be room. */
const SLOT_MS = 1_000
const SLOTS = 10

export class DrainRate {
  readonly #slots = new Float64Array(SLOTS)
  #slot = 0

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#slots[this.#slot % SLOTS]! += bytes
  }

  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs)
    return this.#slots.reduce((sum, bytes) => sum + bytes, 0) / ((SLOTS * SLOT_MS) / 1000)
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS)
    const passed = Math.min(SLOTS, slot - this.#slot)
    for (let step = 1; step <= passed; step++) this.#slots[(this.#slot + step) % SLOTS] = 0
    this.#slot = Math.max(this.#slot, slot)
  }
}

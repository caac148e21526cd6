import { capacityFor, grown } from './typed-arrays.ts'

/** The ids written since the last commit, each once, in the order of their first write. */
export class DirtyIds {
  count = 0
  #ids = new Int32Array(256)
  #marked = new Uint8Array(1024)

  add(id: number): void {
    if (id >= this.#marked.length) this.#growMarks(id)
    if (this.#marked[id] === 1) return
    this.#marked[id] = 1
    if (this.count === this.#ids.length) {
      this.#ids = grown(this.#ids, new Int32Array(this.#ids.length * 2))
    }
    this.#ids[this.count++] = id
  }

  has(id: number): boolean {
    return this.#marked[id] === 1
  }

  /** Visits every id and forgets them all. The visitor must not write. */
  drain(visit: (id: number) => void): void {
    const count = this.count
    for (let index = 0; index < count; index++) {
      const id = this.#ids[index] as number
      this.#marked[id] = 0
      visit(id)
    }
    this.count = 0
  }

  clear(): void {
    this.drain(() => undefined)
  }

  #growMarks(id: number): void {
    const capacity = capacityFor(id, this.#marked.length)
    this.#marked = grown(this.#marked, new Uint8Array(capacity))
  }
}

/**
 * Slots of keys: each key has a short list of them, in order of a number (one or two windows are
 * open at a time, as a rule). 20 bytes per slot and 4 per key.
 *
 * Free slots form a list of their own, last freed first; a slot that is free has no key.
 */

import { capacityFor, grown } from './typed-arrays.ts'

export const NO_SLOT = -1
const NO_KEY = -1

export class SlotLists {
  /** Slots in use. */
  count = 0
  #slotBound = 0
  #firstFree = NO_SLOT
  /** By key id. */
  #first = new Int32Array(64)
  /** By slot. */
  #next = new Int32Array(64)
  #key = new Int32Array(64)
  #order = new Float64Array(64)

  /** A key appears, without slots. */
  create(id: number): void {
    if (id >= this.#first.length) {
      this.#first = grown(this.#first, new Int32Array(capacityFor(id, this.#first.length)))
    }
    this.#first[id] = NO_SLOT
  }

  firstOf(id: number): number {
    return this.#first[id] as number
  }

  next(slot: number): number {
    return this.#next[slot] as number
  }

  /** Whose slot it is; -1 of a free one. */
  keyOf(slot: number): number {
    return this.#key[slot] as number
  }

  isUsed(slot: number): boolean {
    return this.#key[slot] !== NO_KEY
  }

  /** The number by which the slot stands in its key's list. */
  orderOf(slot: number): number {
    return this.#order[slot] as number
  }

  /** The key's slot of exactly this number, or -1. */
  find(id: number, order: number): number {
    let slot = this.#first[id] as number
    while (slot !== NO_SLOT && (this.#order[slot] as number) < order) {
      slot = this.#next[slot] as number
    }
    return slot !== NO_SLOT && this.#order[slot] === order ? slot : NO_SLOT
  }

  /** A new slot of the key, before those of a larger or the same number. */
  insert(id: number, order: number): number {
    let previous = NO_SLOT
    let next = this.#first[id] as number
    while (next !== NO_SLOT && (this.#order[next] as number) < order) {
      previous = next
      next = this.#next[next] as number
    }
    const slot = this.#take()
    this.#key[slot] = id
    this.#order[slot] = order
    this.#next[slot] = next
    if (previous === NO_SLOT) this.#first[id] = slot
    else this.#next[previous] = slot
    this.count += 1
    return slot
  }

  /** The slot takes another number, which leaves it where it is in the list. */
  reorder(slot: number, order: number): void {
    this.#order[slot] = order
  }

  remove(slot: number): void {
    const id = this.#key[slot] as number
    let previous = NO_SLOT
    let candidate = this.#first[id] as number
    while (candidate !== slot) {
      previous = candidate
      candidate = this.#next[candidate] as number
    }
    const next = this.#next[slot] as number
    if (previous === NO_SLOT) this.#first[id] = next
    else this.#next[previous] = next
    this.#key[slot] = NO_KEY
    this.#next[slot] = this.#firstFree
    this.#firstFree = slot
    this.count -= 1
  }

  #take(): number {
    const slot = this.#firstFree
    if (slot !== NO_SLOT) {
      this.#firstFree = this.#next[slot] as number
      return slot
    }
    if (this.#slotBound === this.#next.length) {
      const capacity = capacityFor(this.#slotBound, this.#next.length)
      this.#next = grown(this.#next, new Int32Array(capacity))
      this.#key = grown(this.#key, new Int32Array(capacity))
      this.#order = grown(this.#order, new Float64Array(capacity))
    }
    return this.#slotBound++
  }
}

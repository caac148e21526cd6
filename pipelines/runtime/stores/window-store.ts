/**
 * Open windows of every key, of one window definition.
 *
 * A window is a slot: a row of numbers, optionally a cell, a key id and a start. A key's slots form
 * a short list ordered by start (one or two windows are open at a time, as a rule). Slots due at
 * the same moment share a bucket per tenant, so that a tick closes a million windows without
 * looking at any that stays open (invariant W1: a bucket holds every live slot due at its time).
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import type { WindowSpec } from '../topology/windows.ts'
import { AggregateTable, type AggregateOptions } from './aggregate-table.ts'
import type { Cell } from './cell-store.ts'
import {
  SuffixedKey,
  type ChangelogEntry,
  type ChangelogWriter,
  type StateStore,
} from './changelog.ts'
import { DueBuckets } from './due-buckets.ts'
import type { KeyTable } from './key-table.ts'
import type { RowView } from './row-table.ts'

const NONE = -1

export interface WindowStoreOptions extends AggregateOptions {
  readonly window: WindowSpec
}

/** What a pipeline sees of the window at hand. */
export interface WindowAggregate<Field extends string = string, Value = unknown> {
  readonly row: RowView<Field>
  readonly cell: Cell<Value>
}

export class WindowStore implements StateStore, WindowAggregate {
  readonly name: string
  readonly window: WindowSpec
  readonly schema: AvroSchema
  readonly suffixBytes = 8
  readonly row: RowView<string>
  readonly cell: Cell<unknown>
  readonly due = new DueBuckets()

  readonly #aggregates: AggregateTable
  readonly #key = new SuffixedKey(8)
  readonly #firstSlot: number[] = []
  readonly #nextSlot: number[] = []
  readonly #slotKey: number[] = []
  readonly #slotStart: number[] = []
  readonly #freeSlots: number[] = []
  #slotBound = 0

  constructor(options: WindowStoreOptions) {
    this.name = options.name
    this.window = options.window
    this.#aggregates = new AggregateTable(options)
    this.row = this.#aggregates.row
    this.cell = this.#aggregates.cell
    this.schema = this.#aggregates.schema
  }

  get openWindows(): number {
    return this.#slotBound - this.#freeSlots.length
  }

  create(id: number): void {
    this.#firstSlot[id] = NONE
  }

  /** Windows are selected by slot; the key alone selects nothing. */
  select(): void {
    // nothing
  }

  /**
   * The slot of the window, opened if it is not yet; selects it. (Plain parameters: called for
   * every record.)
   */
  open(id: number, tenant: number, startMs: number): number {
    let previous = NONE
    let slot = this.#firstSlot[id] as number
    while (slot !== NONE && (this.#slotStart[slot] as number) < startMs) {
      previous = slot
      slot = this.#nextSlot[slot] as number
    }
    if (slot === NONE || this.#slotStart[slot] !== startMs) {
      const next = slot
      slot = this.#freeSlots.pop() ?? this.#slotBound++
      this.#slotKey[slot] = id
      this.#slotStart[slot] = startMs
      this.#nextSlot[slot] = next
      if (previous === NONE) this.#firstSlot[id] = slot
      else this.#nextSlot[previous] = slot
      this.#aggregates.create(slot)
      this.due.add(tenant, this.dueAtMs(slot), slot)
    }
    this.selectSlot(slot)
    return slot
  }

  selectSlot(slot: number): void {
    this.#aggregates.select(slot)
  }

  /** The earliest open window of the key, or -1. */
  firstOpen(id: number): number {
    return this.#firstSlot[id] as number
  }

  startMsOf(slot: number): number {
    return this.#slotStart[slot] as number
  }

  keyOf(slot: number): number {
    return this.#slotKey[slot] as number
  }

  /** When the window closes: end plus grace, on its key's clock. */
  dueAtMs(slot: number): number {
    return (this.#slotStart[slot] as number) + this.window.sizeMs + this.window.graceMs
  }

  isOpen(slot: number): boolean {
    return this.#slotKey[slot] !== NONE
  }

  /** Forgets the window and deletes it from the changelog. */
  close(options: { slot: number; tenant: number; keys: KeyTable; out: ChangelogWriter }): void {
    this.#writeTombstone(options.slot, options.keys, options.out)
    this.#forget(options.slot, options.tenant)
  }

  #forget(slot: number, tenant: number): void {
    const id = this.#slotKey[slot] as number
    let previous = NONE
    let candidate = this.#firstSlot[id] as number
    while (candidate !== slot) {
      previous = candidate
      candidate = this.#nextSlot[candidate] as number
    }
    const next = this.#nextSlot[slot] as number
    if (previous === NONE) this.#firstSlot[id] = next
    else this.#nextSlot[previous] = next
    this.due.remove(tenant, this.dueAtMs(slot))
    this.#slotKey[slot] = NONE
    this.#aggregates.forget(slot)
    this.#freeSlots.push(slot)
  }

  release(id: number, keys: KeyTable, out: ChangelogWriter, tenant: number): void {
    for (let slot = this.firstOpen(id); slot !== NONE; slot = this.firstOpen(id)) {
      this.close({ slot, tenant, keys, out })
    }
  }

  flush(keys: KeyTable, out: ChangelogWriter): void {
    this.#aggregates.rows.dirty.drain((slot) => {
      if (!this.isOpen(slot)) return
      const { body, end } = this.#aggregates.encode(slot)
      const suffixAt = this.#key.start(keys, this.keyOf(slot))
      this.#key.bytes.writeDoubleBE(this.startMsOf(slot), suffixAt)
      out.write(this.#key.bytes, 0, this.#key.length, body, end)
    })
  }

  restore(id: number, entry: ChangelogEntry, tenant: number): void {
    const startMs = entry.key.readDoubleBE(entry.keyEnd - 8)
    const slot = this.open(id, tenant, startMs)
    if (entry.bodyStart < 0) {
      this.#forget(slot, tenant)
      return
    }
    this.#aggregates.decode(slot, entry)
  }

  markRestored(): void {
    this.#aggregates.markRestored()
  }

  #writeTombstone(slot: number, keys: KeyTable, out: ChangelogWriter): void {
    const suffixAt = this.#key.start(keys, this.keyOf(slot))
    this.#key.bytes.writeDoubleBE(this.startMsOf(slot), suffixAt)
    out.write(this.#key.bytes, 0, this.#key.length, null, 0)
  }
}

/**
 * Open windows of every key, of one window definition.
 *
 * A window is a slot: a row of numbers, optionally a cell, a key id and a start. A key's slots form
 * a list ordered by start. Slots due at the same moment share a bucket per tenant, so that a tick
 * closes a million windows without looking at any that stays open (invariant W1: a bucket holds
 * every open slot due at its time, and no other).
 *
 * - W2: a window is deleted from the changelog only if a commit has written it there. Where time runs
 *   fast, most windows open and close between two commits, and the changelog never hears of them.
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
import { NO_SLOT, SlotLists } from './slot-lists.ts'
import { capacityFor, grown } from './typed-arrays.ts'

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
  readonly #slots = new SlotLists()
  /** By slot: 1 when the changelog has the window. */
  #written = new Uint8Array(64)

  constructor(options: WindowStoreOptions) {
    this.name = options.name
    this.window = options.window
    this.#aggregates = new AggregateTable(options)
    this.row = this.#aggregates.row
    this.cell = this.#aggregates.cell
    this.schema = this.#aggregates.schema
  }

  get openWindows(): number {
    return this.#slots.count
  }

  create(id: number): void {
    this.#slots.create(id)
  }

  /**
   * The slot of the window, opened if it is not yet; selects it. (Plain parameters: called for
   * every record.)
   */
  open(id: number, tenant: number, startMs: number): number {
    let slot = this.#slots.find(id, startMs)
    if (slot === NO_SLOT) {
      slot = this.#slots.insert(id, startMs)
      this.#markUnwritten(slot)
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
    return this.#slots.firstOf(id)
  }

  startMsOf(slot: number): number {
    return this.#slots.orderOf(slot)
  }

  keyOf(slot: number): number {
    return this.#slots.keyOf(slot)
  }

  /** When the window closes: end plus grace, on its key's clock. */
  dueAtMs(slot: number): number {
    return this.#slots.orderOf(slot) + this.window.sizeMs + this.window.graceMs
  }

  /** Forgets the window and deletes it from the changelog (W2). */
  close(options: { slot: number; tenant: number; keys: KeyTable; out: ChangelogWriter }): void {
    if (this.#written[options.slot] === 1) {
      this.#writeTombstone(options.slot, options.keys, options.out)
    }
    this.#forget(options.slot, options.tenant)
  }

  #forget(slot: number, tenant: number): void {
    this.due.remove(tenant, this.dueAtMs(slot), slot)
    this.#slots.remove(slot)
    this.#aggregates.forget(slot)
  }

  release(id: number, keys: KeyTable, out: ChangelogWriter, tenant: number): void {
    for (let slot = this.firstOpen(id); slot !== NO_SLOT; slot = this.firstOpen(id)) {
      this.close({ slot, tenant, keys, out })
    }
  }

  flush(keys: KeyTable, out: ChangelogWriter): void {
    this.#aggregates.rows.dirty.drain((slot) => {
      if (!this.#slots.isUsed(slot)) return
      const { body, end } = this.#aggregates.encode(slot)
      const suffixAt = this.#key.start(keys, this.keyOf(slot))
      this.#key.bytes.writeDoubleBE(this.startMsOf(slot), suffixAt)
      out.write(this.#key.bytes, 0, this.#key.length, body, end)
      this.#written[slot] = 1
    })
  }

  restore(id: number, entry: ChangelogEntry, tenant: number): void {
    const startMs = entry.key.readDoubleBE(entry.keyEnd - 8)
    const slot = this.open(id, tenant, startMs)
    this.#written[slot] = 1
    if (entry.bodyStart < 0) this.#forget(slot, tenant)
    else this.#aggregates.decode(slot, entry)
  }

  markRestored(): void {
    this.#aggregates.markRestored()
  }

  #markUnwritten(slot: number): void {
    const capacity = capacityFor(slot, this.#written.length)
    if (capacity > this.#written.length) {
      this.#written = grown(this.#written, new Uint8Array(capacity))
    }
    this.#written[slot] = 0
  }

  #writeTombstone(slot: number, keys: KeyTable, out: ChangelogWriter): void {
    const suffixAt = this.#key.start(keys, this.keyOf(slot))
    this.#key.bytes.writeDoubleBE(this.startMsOf(slot), suffixAt)
    out.write(this.#key.bytes, 0, this.#key.length, null, 0)
  }
}

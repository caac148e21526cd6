/**
 * Open sessions of every key, of one session window.
 *
 * A session is a slot: an aggregate, a key id, its first and last event. A key's slots form a list in
 * order of their first events. In the changelog a session stands under its first event; the last one is a
 * field of its own beside the pipeline's.
 *
 * - E1: whatever a session was written under is deleted at once when that changes: when the session
 *   grows backwards, is merged into another one, or closes.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import { sessionEndMs, touchesSession, type SessionSpec } from '../topology/session-window.ts'
import type { WindowBounds } from '../topology/windows.ts'
import { AggregateTable, type AggregateOptions } from './aggregate-table.ts'
import type { Cell } from './cell-store.ts'
import {
  SuffixedKey,
  type ChangelogEntry,
  type ChangelogWriter,
  type StateStore,
} from './changelog.ts'
import type { KeyTable } from './key-table.ts'
import { MovingDue } from './moving-due.ts'
import type { RowView } from './row-table.ts'
import { NO_SLOT, SlotLists } from './slot-lists.ts'
import { capacityFor, grown } from './typed-arrays.ts'
import type { WindowAggregate } from './window-store.ts'

const LAST_FIELD = '_last'
const LAST_COLUMN = 0

export interface SessionStoreOptions extends AggregateOptions {
  readonly window: SessionSpec
}

/** Where deletions go: the keys are needed for their bytes. */
export interface ChangelogTarget {
  readonly keys: KeyTable
  readonly out: ChangelogWriter
}

export class SessionStore implements StateStore, WindowAggregate {
  readonly name: string
  readonly window: SessionSpec
  readonly schema: AvroSchema
  readonly suffixBytes = 8
  readonly row: RowView<string>
  readonly cell: Cell<unknown>

  readonly #aggregates: AggregateTable
  /** The last session that was merged into another one, for the pipeline to read. */
  readonly #absorbed: AggregateTable
  readonly #due = new MovingDue()
  readonly #key = new SuffixedKey(8)
  readonly #slots = new SlotLists()
  /** First event under which the changelog has the session; NaN while it has not. */
  #writtenMs = new Float64Array(64)

  constructor(options: SessionStoreOptions) {
    this.name = options.name
    this.window = options.window
    const initial = { [LAST_FIELD]: 0, ...options.initial }
    this.#aggregates = new AggregateTable({ ...options, initial })
    this.#absorbed = new AggregateTable({ ...options, initial })
    this.row = this.#aggregates.row
    this.cell = this.#aggregates.cell
    this.schema = this.#aggregates.schema
  }

  get openSessions(): number {
    return this.#slots.count
  }

  /** As many as there are open sessions, or something leaks. */
  get queuedSessions(): number {
    return this.#due.size
  }

  create(id: number): void {
    this.#slots.create(id)
  }

  selectSlot(slot: number): void {
    this.#aggregates.select(slot)
  }

  /** The earliest open session of the key, or -1. */
  firstOpen(id: number): number {
    return this.#slots.firstOf(id)
  }

  keyOf(slot: number): number {
    return this.#slots.keyOf(slot)
  }

  boundsOf(slot: number): WindowBounds {
    return { startMs: this.#slots.orderOf(slot), endMs: this.#endMs(slot) }
  }

  /** When the session closes unless it grows: end plus grace, on its key's clock. */
  dueAtMs(slot: number): number {
    return this.#endMs(slot) + this.window.graceMs
  }

  /** The earlier of the sessions that a record at `timeMs` belongs to, or -1. */
  touching(id: number, timeMs: number): number {
    let slot = this.firstOpen(id)
    while (slot !== NO_SLOT && !this.touches(slot, timeMs)) slot = this.next(slot)
    return slot
  }

  touches(slot: number, timeMs: number): boolean {
    const session = { firstMs: this.#slots.orderOf(slot), lastMs: this.#lastMs(slot) }
    return touchesSession(this.window, session, timeMs)
  }

  /** The key's session after this one, or -1. */
  next(slot: number): number {
    return this.#slots.next(slot)
  }

  /** A session of one event; selects it. */
  open(id: number, tenant: number, timeMs: number): number {
    const slot = this.#insert(id, timeMs)
    this.#aggregates.rows.write(slot, LAST_COLUMN, timeMs)
    this.#due.add(tenant, slot, this.dueAtMs(slot))
    this.selectSlot(slot)
    return slot
  }

  /** The session takes an event that touches it; selects it. */
  extend(slot: number, timeMs: number, target: ChangelogTarget): void {
    if (timeMs < this.#slots.orderOf(slot)) {
      this.#deleteWritten(slot, target) // E1
      this.#slots.reorder(slot, timeMs)
    }
    if (timeMs > this.#lastMs(slot)) this.#aggregates.rows.write(slot, LAST_COLUMN, timeMs)
    this.#aggregates.rows.dirty.add(slot)
    this.selectSlot(slot)
  }

  /**
   * The session after this one ends as one of its own and becomes part of this one. Returns what it
   * held, to be read until the next call; selects the session that stays.
   */
  absorbNext(slot: number, target: ChangelogTarget): WindowAggregate {
    const absorbed = this.next(slot)
    const lastMs = this.#lastMs(absorbed)
    this.#absorbed.copyFrom(this.#aggregates, absorbed, 0)
    this.close(absorbed, target)
    this.extend(slot, lastMs, target)
    this.#absorbed.select(0)
    return this.#absorbed
  }

  /** Takes out of the queue what is due; in the order of due times, then keys. */
  takeDue(tenant: number, clockMs: number, keys: KeyTable): number[] {
    const slots = this.#due.takeDue(tenant, clockMs, (slot) => this.dueAtMs(slot))
    return slots.sort(
      (left, right) =>
        this.dueAtMs(left) - this.dueAtMs(right) ||
        compareKeys(keys, this.keyOf(left), this.keyOf(right)),
    )
  }

  /** Forgets the session and deletes it from the changelog (E1). */
  close(slot: number, target: ChangelogTarget): void {
    this.#deleteWritten(slot, target)
    this.#forget(slot)
  }

  release(id: number, keys: KeyTable, out: ChangelogWriter): void {
    for (let slot = this.firstOpen(id); slot !== NO_SLOT; slot = this.firstOpen(id)) {
      this.close(slot, { keys, out })
    }
  }

  flush(keys: KeyTable, out: ChangelogWriter): void {
    this.#aggregates.rows.dirty.drain((slot) => {
      if (!this.#slots.isUsed(slot)) return
      const firstMs = this.#slots.orderOf(slot)
      const { body, end } = this.#aggregates.encode(slot)
      this.#write({ keys, out }, { id: this.keyOf(slot), firstMs, body, bodyEnd: end })
      this.#writtenMs[slot] = firstMs
    })
  }

  restore(id: number, entry: ChangelogEntry, tenant: number): void {
    const firstMs = entry.key.readDoubleBE(entry.keyEnd - 8)
    let slot = this.#slots.find(id, firstMs)
    if (entry.bodyStart < 0) {
      if (slot !== NO_SLOT) this.#forget(slot)
      return
    }
    if (slot === NO_SLOT) slot = this.#insert(id, firstMs)
    this.#aggregates.decode(slot, entry)
    this.#writtenMs[slot] = firstMs
    this.#due.remove(slot)
    this.#due.add(tenant, slot, this.dueAtMs(slot))
  }

  markRestored(): void {
    this.#aggregates.markRestored()
  }

  #lastMs(slot: number): number {
    return this.#aggregates.rows.read(slot, LAST_COLUMN)
  }

  #endMs(slot: number): number {
    return sessionEndMs(this.window, this.#lastMs(slot))
  }

  #insert(id: number, firstMs: number): number {
    const slot = this.#slots.insert(id, firstMs)
    const capacity = capacityFor(slot, this.#writtenMs.length)
    if (capacity > this.#writtenMs.length) {
      this.#writtenMs = grown(this.#writtenMs, new Float64Array(capacity))
    }
    this.#writtenMs[slot] = Number.NaN
    this.#aggregates.create(slot)
    return slot
  }

  #forget(slot: number): void {
    this.#due.remove(slot)
    this.#slots.remove(slot)
    this.#aggregates.forget(slot)
  }

  #deleteWritten(slot: number, target: ChangelogTarget): void {
    const firstMs = this.#writtenMs[slot] as number
    if (Number.isNaN(firstMs)) return
    this.#write(target, { id: this.keyOf(slot), firstMs, body: null, bodyEnd: 0 })
    this.#writtenMs[slot] = Number.NaN
  }

  #write(
    { keys, out }: ChangelogTarget,
    entry: { id: number; firstMs: number; body: Buffer | null; bodyEnd: number },
  ): void {
    const suffixAt = this.#key.start(keys, entry.id)
    this.#key.bytes.writeDoubleBE(entry.firstMs, suffixAt)
    out.write(this.#key.bytes, 0, this.#key.length, entry.body, entry.bodyEnd)
  }
}

/** By their bytes: ids depend on what was restored. */
const compareKeys = (keys: KeyTable, left: number, right: number): number => {
  if (left === right) return 0
  const [leftStart, rightStart] = [keys.startOf(left), keys.startOf(right)]
  return keys
    .bufferOf(left)
    .compare(
      keys.bufferOf(right),
      rightStart,
      rightStart + keys.lengthOf(right),
      leftStart,
      leftStart + keys.lengthOf(left),
    )
}

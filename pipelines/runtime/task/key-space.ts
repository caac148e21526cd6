/**
 * All keyed state of a task: the key table, the stores behind it, and what wakes keys up.
 *
 * The home row holds, beside the pipeline's own numbers, each key's clock and tenant and its timers
 * (see topology/state-layout.ts).
 */

import type { ChangelogWriter, KeyedStore, StateStore } from '../stores/changelog.ts'
import { KeyTable } from '../stores/key-table.ts'
import type { SessionStore } from '../stores/session-store.ts'
import { TimerQueue } from '../stores/timer-queue.ts'
import type { WindowStore } from '../stores/window-store.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { CLOCK_FIELD, layOutState, TENANT_FIELD, timerField } from '../topology/state-layout.ts'
import type { Timer } from '../topology/state.ts'

/** Room for a full table of keys of this size; usual ones take a tenth of it. */
const MEAN_KEY_BYTES = 1_024

/** Writers by store name; each appends to that store's changelog. */
export type ChangelogWriters = (store: string) => ChangelogWriter

export interface DeclaredTimer extends Timer {
  readonly name: string
  readonly queue: TimerQueue
}

export class KeySpace {
  readonly keys = new KeyTable()
  readonly stores: readonly StateStore[]
  readonly windows: readonly WindowStore[]
  readonly sessions: readonly SessionStore[]
  readonly timers: readonly DeclaredTimer[]
  /** What handlers get: one view per declared state. */
  readonly views: object
  /** The key at hand. */
  selectedId = -1

  readonly #layout: ReturnType<typeof layOutState>
  readonly #keyed: readonly KeyedStore[]
  readonly #clockField: number
  readonly #tenantField: number
  readonly #groupSizes = new Map<string, number>()
  readonly #limit: Pipeline['keyLimit']

  constructor(pipeline: Pipeline) {
    this.#layout = layOutState(pipeline)
    const { home, cells, rings, windows, sessions, timers } = this.#layout
    this.#keyed = [home, ...cells, ...rings]
    this.stores = [...this.#keyed, ...windows, ...sessions]
    this.windows = windows
    this.sessions = sessions
    this.#clockField = home.table.fields.indexOf(CLOCK_FIELD)
    this.#tenantField = home.table.fields.indexOf(TENANT_FIELD)
    this.#limit = pipeline.keyLimit
    this.timers = timers.map((name) => this.#declaredTimer(name))
    const hasRow = pipeline.state[home.name]?.kind === 'row'
    this.views = Object.fromEntries<object>([
      ...(hasRow ? [[home.name, home.row] as const] : []),
      ...cells.map((store) => [store.name, store] as const),
      ...rings.map((store) => [store.name, store] as const),
      ...this.timers.map((timer) => [timer.name, timer] as const),
    ])
  }

  get homeStoreName(): string {
    return this.#layout.home.name
  }

  /** Keys that changed since the last flush. */
  get dirtyKeys(): number {
    return this.#layout.home.table.dirty.count
  }

  select(id: number): void {
    this.selectedId = id
    for (const store of this.#keyed) store.select(id)
  }

  clockMs(id: number): number {
    return this.#layout.home.table.read(id, this.#clockField)
  }

  /** The key's own clock; its changelog row is due with it. */
  setClockMs(id: number, clockMs: number): void {
    this.#layout.home.table.write(id, this.#clockField, clockMs)
    this.#layout.home.table.dirty.add(id)
  }

  tenantOf(id: number): number {
    return this.#layout.home.table.read(id, this.#tenantField)
  }

  /** Whether a new key of this name fits; a refusal is counted by the caller. */
  hasRoomFor(key: Buffer): boolean {
    const { perTask, perGroup, groupOf } = this.#limit
    if (this.keys.size >= perTask) return false
    if (this.keys.keyBytes + key.length > perTask * MEAN_KEY_BYTES) return false
    return (this.#groupSizes.get(groupOf(key.toString('utf8'))) ?? 0) < perGroup
  }

  /** A key that is not in the table yet. */
  add(options: {
    hash: number
    bytes: Buffer
    start: number
    end: number
    tenant: number
  }): number {
    const id = this.keys.add(options.hash, options.bytes, options.start, options.end)
    for (const store of this.stores) store.create(id)
    this.#layout.home.table.write(id, this.#tenantField, options.tenant)
    this.#countGroup(this.keys.textOf(id), 1)
    return id
  }

  /** Forgets the key everywhere. */
  remove(id: number, writers: ChangelogWriters): void {
    const tenant = this.tenantOf(id)
    for (const store of this.stores) store.release(id, this.keys, writers(store.name), tenant)
    for (const { queue } of this.timers) queue.forget(id)
    this.#countGroup(this.keys.textOf(id), -1)
    this.keys.delete(id)
  }

  /** Forgets a key while restoring: its deletion is what is being read. */
  drop(id: number): void {
    this.#countGroup(this.keys.textOf(id), -1)
    this.keys.delete(id)
  }

  /** Ids whose clock has stood still since `beforeMs`. */
  *idleKeys(tenant: number, beforeMs: number): Generator<number> {
    for (let id = 0; id < this.keys.idBound; id++) {
      if (!this.keys.isLive(id) || this.tenantOf(id) !== tenant) continue
      if (this.clockMs(id) < beforeMs) yield id
    }
  }

  flush(writers: ChangelogWriters): void {
    for (const store of this.stores) store.flush(this.keys, writers(store.name))
  }

  /** After a restore: timers into their queues, nothing left to write. */
  settleRestored(): void {
    for (const store of this.stores) store.markRestored()
    if (this.timers.length === 0) return
    for (let id = 0; id < this.keys.idBound; id++) {
      if (!this.keys.isLive(id)) continue
      this.select(id)
      for (const { queue, atMs } of this.timers) {
        if (!Number.isNaN(atMs)) queue.schedule(this.tenantOf(id), id, atMs)
      }
    }
  }

  #countGroup(key: string, change: 1 | -1): void {
    const group = this.#limit.groupOf(key)
    const size = (this.#groupSizes.get(group) ?? 0) + change
    if (size === 0) this.#groupSizes.delete(group)
    else this.#groupSizes.set(group, size)
  }

  #declaredTimer(name: string): DeclaredTimer {
    const { table } = this.#layout.home
    const field = table.fields.indexOf(timerField(name))
    const queue = new TimerQueue()
    const write = (atMs: number): void => {
      table.write(this.selectedId, field, atMs)
      table.dirty.add(this.selectedId)
    }
    // Arrow functions and a getter over `this`: the timer of the key at hand.
    const selected = (): number => this.selectedId
    return {
      name,
      queue,
      get atMs() {
        return table.read(selected(), field)
      },
      set: (atMs) => {
        write(atMs)
        if (Number.isNaN(atMs)) return
        queue.schedule(this.tenantOf(this.selectedId), this.selectedId, atMs)
      },
      clear: () => {
        write(Number.NaN)
      },
    }
  }
}

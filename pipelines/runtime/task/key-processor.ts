/**
 * What happens to one key: due windows and timers, then the record.
 *
 * K2: a key's clock moves by the key's own records and its tenant's ticks, nothing else.
 * K3: what is due at or before a clock is done before the record that moved the clock is seen.
 */

import type { WindowStore } from '../stores/window-store.ts'
import type { ErasedSession, ErasedWindow, Pipeline } from '../topology/define-pipeline.ts'
import { firstWindowStart, lastWindowStart } from '../topology/windows.ts'
import type { HandlerContext } from './handler-context.ts'
import type { ChangelogWriters, KeySpace } from './key-space.ts'
import { SessionWindows } from './session-windows.ts'

interface BoundWindow {
  readonly spec: ErasedWindow
  readonly store: WindowStore
}

type ErasedContext = Parameters<NonNullable<Pipeline['on'][string]>>[2]

export class KeyProcessor {
  readonly #pipeline: Pipeline
  readonly #keySpace: KeySpace
  readonly #context: HandlerContext
  readonly #writers: ChangelogWriters
  readonly #windows: readonly BoundWindow[]
  readonly #sessions: readonly SessionWindows[]

  constructor(options: {
    readonly pipeline: Pipeline
    readonly keySpace: KeySpace
    readonly context: HandlerContext
    readonly writers: ChangelogWriters
  }) {
    this.#pipeline = options.pipeline
    this.#keySpace = options.keySpace
    this.#context = options.context
    this.#writers = options.writers
    this.#windows = options.keySpace.windows.map((store) => ({
      store,
      spec: options.pipeline.windows[store.name] as ErasedWindow,
    }))
    this.#sessions = options.keySpace.sessions.map((store) => {
      const spec = options.pipeline.windows[store.name] as ErasedSession
      return new SessionWindows({ ...options, spec, store })
    })
  }

  /**
   * One record of the key. `tenantClockMs` is how far ticks have brought the key's tenant.
   * Returns false when every window it belongs to has closed: the record is late.
   */
  process(
    id: number,
    record: { readonly input: string; readonly value: object; readonly eventTimeMs: number },
    tenantClockMs: number,
  ): boolean {
    const { eventTimeMs } = record
    const ownClockMs = this.#keySpace.clockMs(id)
    if (eventTimeMs > ownClockMs) this.#keySpace.setClockMs(id, eventTimeMs)
    const clockMs = Math.max(ownClockMs, tenantClockMs, eventTimeMs)
    this.#keySpace.select(id)
    this.#context.moveTo(id, clockMs)
    this.#runDue(id, clockMs) // K3
    const onTime = this.#aggregate(id, record)
    this.#handle(record)
    return onTime
  }

  /** Everything of the tenant that is due at its new clock. */
  advanceTenant(tenant: number, tenantClockMs: number): void {
    for (const window of this.#windows) {
      for (const dueAtMs of window.store.due.dueTimes(tenant, tenantClockMs)) {
        for (;;) {
          const slot = window.store.due.first(tenant, dueAtMs)
          if (slot < 0) break
          this.#moveTo(window.store.keyOf(slot), tenantClockMs)
          this.#close(window, slot) // Takes it out of the bucket.
        }
      }
    }
    for (const session of this.#sessions) {
      for (const slot of session.store.takeDue(tenant, tenantClockMs, this.#keySpace.keys)) {
        this.#moveTo(session.store.keyOf(slot), tenantClockMs)
        session.close(slot)
      }
    }
    for (const { name, queue } of this.#keySpace.timers) {
      queue.takeDue(tenant, tenantClockMs, (id) => {
        this.#moveTo(id, tenantClockMs)
        // Not by the key's own clock: whether it has come up early depends on when it was queued.
        this.#runTimer(name, id, tenantClockMs)
      })
    }
  }

  #moveTo(id: number, tenantClockMs: number): void {
    this.#keySpace.select(id)
    this.#context.moveTo(id, Math.max(this.#keySpace.clockMs(id), tenantClockMs))
  }

  #runDue(id: number, clockMs: number): void {
    for (const window of this.#windows) {
      for (;;) {
        const slot = window.store.firstOpen(id)
        if (slot < 0 || window.store.dueAtMs(slot) > clockMs) break
        this.#close(window, slot)
      }
    }
    for (const session of this.#sessions) session.closeDue(id, clockMs)
    for (const timer of this.#keySpace.timers) {
      if (timer.atMs <= clockMs) this.#runTimer(timer.name, id, clockMs)
    }
  }

  #runTimer(name: string, id: number, clockMs: number): void {
    const timer = this.#keySpace.timers.find((candidate) => candidate.name === name)
    if (timer === undefined || Number.isNaN(timer.atMs)) return
    if (timer.atMs > clockMs) {
      // Re-armed since it was queued: come back then.
      timer.queue.schedule(this.#keySpace.tenantOf(id), id, timer.atMs)
      return
    }
    timer.clear()
    this.#pipeline.onTimer[name]?.(this.#keySpace.views, this.#context as ErasedContext)
  }

  #close({ spec, store }: BoundWindow, slot: number): void {
    store.selectSlot(slot)
    const startMs = store.startMsOf(slot)
    const bounds = { startMs, endMs: startMs + store.window.sizeMs }
    spec.close(store, bounds, this.#keySpace.views, this.#context as ErasedContext)
    const tenant = this.#keySpace.tenantOf(store.keyOf(slot))
    store.close({ slot, tenant, keys: this.#keySpace.keys, out: this.#writers(store.name) })
  }

  #aggregate(id: number, record: { input: string; value: object; eventTimeMs: number }): boolean {
    let wanted = 0
    let taken = 0
    for (const { spec, store } of this.#windows) {
      if (spec.input !== record.input) continue
      wanted += 1
      const { window } = store
      const last = lastWindowStart(window, record.eventTimeMs)
      let start = firstWindowStart(window, record.eventTimeMs)
      let open = false
      for (; start <= last; start += window.advanceMs) {
        if (start + window.sizeMs + window.graceMs <= this.#context.clockMs) continue
        store.open(id, this.#keySpace.tenantOf(id), start)
        spec.add(record.value, store)
        open = true
      }
      if (open) taken += 1
    }
    for (const session of this.#sessions) {
      if (session.input !== record.input) continue
      wanted += 1
      if (session.add(id, record, this.#context.clockMs)) taken += 1
    }
    return wanted === 0 || taken > 0
  }

  #handle(record: { input: string; value: object }): void {
    const handler = this.#pipeline.on[record.input]
    if (handler === undefined) return
    this.#context.inRecordHandler = true
    this.#context.rejection = undefined
    handler(record.value, this.#keySpace.views, this.#context as ErasedContext)
    this.#context.inRecordHandler = false
  }
}

/** One declared session window at work: which session a record makes, joins or bridges. */

import type { SessionStore } from '../stores/session-store.ts'
import type { ErasedSession, Pipeline } from '../topology/define-pipeline.ts'
import { sessionEndMs } from '../topology/session-window.ts'
import type { HandlerContext } from './handler-context.ts'
import type { ChangelogWriters, KeySpace } from './key-space.ts'

type ErasedContext = Parameters<NonNullable<Pipeline['on'][string]>>[2]

export class SessionWindows {
  readonly store: SessionStore
  readonly #spec: ErasedSession
  readonly #keySpace: KeySpace
  readonly #context: HandlerContext
  readonly #writers: ChangelogWriters

  constructor(options: {
    readonly spec: ErasedSession
    readonly store: SessionStore
    readonly keySpace: KeySpace
    readonly context: HandlerContext
    readonly writers: ChangelogWriters
  }) {
    this.store = options.store
    this.#spec = options.spec
    this.#keySpace = options.keySpace
    this.#context = options.context
    this.#writers = options.writers
  }

  get input(): string {
    return this.#spec.input
  }

  /** False when the session that the record would make has closed already: it is late. */
  add(id: number, record: { value: object; eventTimeMs: number }, clockMs: number): boolean {
    const { store } = this
    const { eventTimeMs } = record
    const slot = store.touching(id, eventTimeMs)
    if (slot < 0) {
      const dueAtMs = sessionEndMs(store.window, eventTimeMs) + store.window.graceMs
      if (dueAtMs <= clockMs) return false
      store.open(id, this.#keySpace.tenantOf(id), eventTimeMs)
    } else {
      const next = store.next(slot)
      const bridges = next >= 0 && store.touches(next, eventTimeMs)
      store.extend(slot, eventTimeMs, this.#changelog())
      if (bridges) this.#spec.merge(store, store.absorbNext(slot, this.#changelog()))
    }
    this.#spec.add(record.value, store)
    return true
  }

  /** What is due of one key. */
  closeDue(id: number, clockMs: number): void {
    for (;;) {
      const slot = this.store.firstOpen(id)
      if (slot < 0 || this.store.dueAtMs(slot) > clockMs) return
      this.close(slot)
    }
  }

  /** Of the key at hand. */
  close(slot: number): void {
    const { store } = this
    store.selectSlot(slot)
    const bounds = store.boundsOf(slot)
    this.#spec.close(store, bounds, this.#keySpace.views, this.#context as ErasedContext)
    store.close(slot, this.#changelog())
  }

  #changelog(): { keys: KeySpace['keys']; out: ReturnType<ChangelogWriters> } {
    return { keys: this.#keySpace.keys, out: this.#writers(this.store.name) }
  }
}

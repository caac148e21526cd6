/**
 * Which keys to wake when, per tenant.
 *
 * Timers are re-armed far more often than they fire (every point pushes "no data" further away).
 * So a key is queued once, at the first deadline; when that comes up and the deadline has moved on,
 * the key is queued again there. Deadlines are grouped into grid steps to keep the queue short.
 */

const GRID_MS = 5_000

export class TimerQueue {
  readonly #byTenant: (Map<number, number[]> | undefined)[] = []
  /** Grid step at which a key is queued, NaN when it is not. */
  readonly #queuedAt: number[] = []
  /** In whose queue: the id of a forgotten key may have gone to another tenant's. */
  readonly #queuedFor: number[] = []

  /** Makes sure that the key comes up no later than its deadline. */
  schedule(tenant: number, id: number, atMs: number): void {
    const step = Math.floor(atMs / GRID_MS)
    const queued = this.#queuedAt[id]
    if (queued !== undefined && queued <= step) return
    const steps = (this.#byTenant[tenant] ??= new Map<number, number[]>())
    const members = steps.get(step)
    if (members === undefined) steps.set(step, [id])
    else members.push(id)
    this.#queuedAt[id] = step
    this.#queuedFor[id] = tenant
  }

  forget(id: number): void {
    this.#queuedAt[id] = Number.NaN
  }

  /**
   * Hands over the keys whose time may have come, in order of their step. The caller looks at the
   * deadline, and schedules the key again if it is still ahead. What is scheduled meanwhile is for
   * the next time: no key comes up twice, whoever else is queued.
   */
  takeDue(tenant: number, clockMs: number, visit: (id: number) => void): void {
    for (const id of this.#removeDue(tenant, Math.floor(clockMs / GRID_MS))) visit(id)
  }

  #removeDue(tenant: number, lastStep: number): number[] {
    const steps = this.#byTenant[tenant]
    if (steps === undefined) return []
    const due = [...steps.keys()].filter((step) => step <= lastStep).sort((a, b) => a - b)
    const ids: number[] = []
    for (const step of due) {
      for (const id of steps.get(step) ?? []) {
        // Queued earlier since, or forgotten: then this entry is stale.
        if (this.#queuedAt[id] !== step || this.#queuedFor[id] !== tenant) continue
        this.#queuedAt[id] = Number.NaN
        ids.push(id)
      }
      steps.delete(step)
    }
    return ids
  }
}

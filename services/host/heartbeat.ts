/** Calls `beat` at every multiple of `intervalMs` of the wall clock; skips what was slept through. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface HeartbeatOptions {
  readonly intervalMs: number
  readonly now: () => number
  readonly signal: AbortSignal
  /** Grid times, strictly rising, also when the clock is set back. */
  readonly beat: (timestampMs: number) => Promise<void>
}

/** Resolves when the signal aborts. A beat that takes longer than the interval costs the next one. */
export const heartbeat = async (options: HeartbeatOptions): Promise<void> => {
  const { intervalMs, now, signal, beat } = options
  let lastMs = -Infinity
  while (!signal.aborted) {
    const nowMs = now()
    const gridMs = Math.floor(nowMs / intervalMs) * intervalMs
    if (gridMs > lastMs) {
      lastMs = gridMs
      await beat(gridMs)
    }
    const next = (Math.floor(now() / intervalMs) + 1) * intervalMs
    await sleep(Math.max(1, next - now()), undefined, { signal }).catch(() => undefined)
  }
}

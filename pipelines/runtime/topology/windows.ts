/**
 * Event-time windows, half-open `[start, end)`, aligned to the epoch.
 *
 * Tumbling windows do not overlap; hopping ones start every `advanceMs` and overlap. Those that
 * follow the records instead are in session-window.ts.
 */

import { RuntimeError } from '../errors.ts'

export interface WindowSpec {
  readonly kind: 'aligned'
  readonly sizeMs: number
  readonly advanceMs: number
  /** How long after its end a window still takes records. */
  readonly graceMs: number
}

export interface WindowBounds {
  readonly startMs: number
  readonly endMs: number
}

export const tumbling = (options: { sizeMs: number; graceMs: number }): WindowSpec =>
  checked({ ...options, kind: 'aligned', advanceMs: options.sizeMs })

export const hopping = (options: {
  sizeMs: number
  advanceMs: number
  graceMs: number
}): WindowSpec => checked({ ...options, kind: 'aligned' })

/** Start of the earliest window that contains `timeMs`. */
export const firstWindowStart = (window: WindowSpec, timeMs: number): number =>
  lastWindowStart(window, timeMs - window.sizeMs) + window.advanceMs

/** Start of the latest window that contains `timeMs`. */
export const lastWindowStart = (window: WindowSpec, timeMs: number): number =>
  Math.floor(timeMs / window.advanceMs) * window.advanceMs

const checked = (window: WindowSpec): WindowSpec => {
  const { sizeMs, advanceMs, graceMs } = window
  if (!(sizeMs > 0) || !(advanceMs > 0) || advanceMs > sizeMs || !(graceMs >= 0)) {
    throw new RuntimeError(
      'TOPOLOGY_INVALID',
      `Window of ${sizeMs} ms advancing by ${advanceMs} ms with ${graceMs} ms grace is not possible; ` +
        'size and advance must be positive, advance at most the size, grace not negative',
    )
  }
  return window
}

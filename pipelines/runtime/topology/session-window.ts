/**
 * Session windows: as long as a key's records follow each other within a gap.
 *
 * - G1: a session is half-open, `[first event, last event + gapMs)`. Two records less than `gapMs`
 *   apart share a session, two that are exactly `gapMs` apart do not.
 * - G2: no session reaches across a multiple of `maxLengthMs` since 1970: it ends there, and the
 *   next record opens another. A cut that depended on where a session began would depend on the
 *   order in which records come.
 * - G3: sessions of a key neither overlap nor touch: a record bridges two at most.
 */

import { RuntimeError } from '../errors.ts'

export interface SessionSpec {
  readonly kind: 'session'
  /** A session ends when nothing has happened for this long. */
  readonly gapMs: number
  /** How long after its end a session still takes records. */
  readonly graceMs: number
  /** Sessions are cut at multiples of this; Infinity when they are not. */
  readonly maxLengthMs: number
}

/** A key may have about this many sessions open: grace over gap. */
const OPEN_SESSIONS_LIMIT = 1_000

export const session = (options: {
  gapMs: number
  graceMs: number
  maxLengthMs?: number
}): SessionSpec => {
  const { gapMs, graceMs, maxLengthMs = Number.POSITIVE_INFINITY } = options
  const refuse = (rule: string): never => {
    throw new RuntimeError(
      'TOPOLOGY_INVALID',
      `Session window with a gap of ${gapMs} ms, ${graceMs} ms grace and a greatest length of ` +
        `${maxLengthMs} ms is not possible; ${rule}`,
    )
  }
  if (!(gapMs > 0) || !(graceMs >= 0)) refuse('the gap must be positive, grace not negative')
  if (!(maxLengthMs >= gapMs)) refuse('the greatest length must be at least the gap')
  if (graceMs > gapMs * OPEN_SESSIONS_LIMIT) {
    refuse(`grace may be at most ${OPEN_SESSIONS_LIMIT} times the gap, as so many may be open`)
  }
  return { kind: 'session', gapMs, graceMs, maxLengthMs }
}

/** End of a session whose last event is at `lastMs`: G1, G2. */
export const sessionEndMs = ({ gapMs, maxLengthMs }: SessionSpec, lastMs: number): number =>
  Math.min(lastMs + gapMs, (Math.floor(lastMs / maxLengthMs) + 1) * maxLengthMs)

/** Whether a record at `timeMs` belongs to the session of these events. */
export const touchesSession = (
  spec: SessionSpec,
  session: { readonly firstMs: number; readonly lastMs: number },
  timeMs: number,
): boolean =>
  timeMs < sessionEndMs(spec, session.lastMs) && session.firstMs < sessionEndMs(spec, timeMs)

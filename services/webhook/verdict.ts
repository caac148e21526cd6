/** What an answer of the receiver means, and how long to wait before the next attempt. Pure. */

export type Verdict =
  | { readonly kind: 'accepted' }
  /** The receiver will never take it: repeating it helps nobody. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly notBeforeMs: number }

/** 4xx that speak of the moment, not of the message: timeout, too early, too many. */
const passingStatuses = new Set([408, 425, 429])

/** A receiver may ask for a pause, but not silence us for good. */
const longestAskedMs = 10 * 60_000

export const judge = (
  status: number,
  { retryAfter, nowMs }: { readonly retryAfter: string | null; readonly nowMs: number },
): Verdict => {
  if (status >= 200 && status < 300) return { kind: 'accepted' }
  const reason = `answered ${status}`
  if (status >= 500 || passingStatuses.has(status)) {
    return { kind: 'retry', reason, notBeforeMs: askedPauseMs(retryAfter, nowMs) }
  }
  // Following a redirect with a signed body would hand it to somebody nobody has named.
  if (status >= 300 && status < 400) {
    return { kind: 'refused', reason: `${reason}, a redirect; set WEBHOOK_URL to where it leads` }
  }
  return { kind: 'refused', reason }
}

/** RFC 9110: seconds, or a date. */
const askedPauseMs = (retryAfter: string | null, nowMs: number): number => {
  if (retryAfter === null) return 0
  const askedMs = /^\d+$/.test(retryAfter.trim())
    ? Number(retryAfter) * 1000
    : Date.parse(retryAfter) - nowMs
  return Number.isNaN(askedMs) ? 0 : Math.min(longestAskedMs, Math.max(0, askedMs))
}

const firstPauseMs = 500
const longestPauseMs = 60_000

/**
 * Exponential with full jitter over its upper half: never at once, never in step with others.
 * `attempt` counts from 1, `random` lies in [0, 1).
 */
export const pauseMs = (options: {
  readonly attempt: number
  readonly notBeforeMs: number
  readonly random: number
}): number => {
  const { attempt, notBeforeMs, random } = options
  const ceilingMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempt - 1, 20))
  return notBeforeMs + Math.ceil(ceilingMs * (0.5 + random / 2))
}

const attemptsAtLeast = 12

/**
 * A receiver that is down is waited for, however long. One that keeps failing on this message
 * while it takes others does so because of the message, and must not hold up the rest for ever.
 */
export const isHopeless = (history: {
  readonly attempts: number
  readonly othersAcceptedSince: number
}): boolean => history.attempts >= attemptsAtLeast && history.othersAcceptedSince > 0

/** Microseconds since 1970: steps of the monotonic clock, which two requests within a millisecond need to keep their order. */

/** The wall clock was set, or the machine slept: then it is followed. */
const MAX_DRIFT_MS = 50

let anchorMs = Date.now() - performance.now()

export const nowUs = (): number => Math.round((anchorMs + performance.now()) * 1_000)

/** Called now and then, never between two looks at one request. */
export const followWallClock = (): void => {
  const anchor = Date.now() - performance.now()
  if (Math.abs(anchor - anchorMs) > MAX_DRIFT_MS) anchorMs = anchor
}

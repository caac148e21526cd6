/**
 * Which points answer a question about a stretch of time: every one of them, or roll-ups of a
 * whole number of minutes. Steps are the ones people read easily and that divide a day.
 */
export const stepsMinutes = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440] as const

export type Resolution =
  { readonly kind: 'raw' } | { readonly kind: 'roll-up'; readonly stepMinutes: number }

/** As written in a request and an answer: raw, 1m, 5m, 2h, 1d. */
export const resolutionNames = ['raw', ...stepsMinutes.map((minutes) => nameOfStep(minutes))]

export function nameOfStep(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440}d`
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

export const nameOf = (resolution: Resolution): string =>
  resolution.kind === 'raw' ? 'raw' : nameOfStep(resolution.stepMinutes)

export const parseResolution = (text: string): Resolution | undefined => {
  if (text === 'raw') return { kind: 'raw' }
  const stepMinutes = stepsMinutes.find((minutes) => nameOfStep(minutes) === text)
  return stepMinutes === undefined ? undefined : { kind: 'roll-up', stepMinutes }
}

export interface Amounts {
  readonly rangeMs: number
  /** Points that stand in the raw table. */
  readonly rawPoints: number
  /** Points that roll-ups of the same stretch have counted. */
  readonly rolledUpPoints: number
  readonly maxPoints: number
}

const minuteMs = 60_000

/**
 * Raw when it fits. Roll-ups outlive raw points: where they have counted more than still stands in
 * the raw table, the raw answer would have a hole at its beginning.
 */
export const chooseResolution = (amounts: Amounts): Resolution => {
  const { rangeMs, rawPoints, rolledUpPoints, maxPoints } = amounts
  if (rawPoints <= maxPoints && rawPoints >= rolledUpPoints) return { kind: 'raw' }
  const neededMinutes = rangeMs / maxPoints / minuteMs
  const nice = stepsMinutes.find((minutes) => minutes >= neededMinutes)
  const days = Math.ceil(neededMinutes / 1440)
  return { kind: 'roll-up', stepMinutes: nice ?? days * 1440 }
}

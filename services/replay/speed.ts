/** `max`, or `Nx`: N seconds of event time in one second of wall time. */
import { ReplayError } from './replay-error.ts'

export type Speed = { readonly kind: 'max' } | { readonly kind: 'times'; readonly factor: number }

export const parseSpeed = (text: string): Speed => {
  if (text === 'max') return { kind: 'max' }
  const factor = Number(/^(\d+(?:\.\d+)?)x$/.exec(text)?.[1])
  if (factor > 0 && Number.isFinite(factor)) return { kind: 'times', factor }
  throw new ReplayError(
    'REPLAY_SPEED_INVALID',
    `Speed '${text}' is not 'max' or a factor; use for example --speed 60x.`,
  )
}

/** Maps wall time to event time while a replay runs at a factor. */
export class Pace {
  readonly #factor: number
  readonly #startedMs: number
  readonly #firstEventMs: number

  constructor(at: { factor: number; startedMs: number; firstEventMs: number }) {
    this.#factor = at.factor
    this.#startedMs = at.startedMs
    this.#firstEventMs = at.firstEventMs
  }

  /** How long until an event is due; negative when it is overdue. */
  waitMs(eventMs: number, nowMs: number): number {
    return this.#startedMs + (eventMs - this.#firstEventMs) / this.#factor - nowMs
  }

  eventTimeAt(nowMs: number): number {
    return this.#firstEventMs + (nowMs - this.#startedMs) * this.#factor
  }
}

/** Faults that somebody has ordered, per endpoint: so much later, and so often an error. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from './random.ts'

export const ENDPOINTS = ['/health', '/inventory', '/payment', '/checkout'] as const
export type Endpoint = (typeof ENDPOINTS)[number]

export const MAX_DELAY_MS = 60_000

export class SimulatedError extends Error {
  override readonly name = 'SimulatedError'
  readonly statusCode = 500
}

/** What each endpoint says when it fails, as one would read it in a log. */
const messages: Readonly<Record<Endpoint, string>> = {
  '/health': 'the self-check failed',
  '/inventory': 'the warehouse database did not answer: too many connections',
  '/payment': 'the card processor refused the connection',
  '/checkout': 'the order could not be stored',
}

export class Faults {
  readonly #delaysMs = new Map<Endpoint, number>()
  readonly #errorRates = new Map<Endpoint, number>()
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  delay(endpoint: Endpoint, durationMs: number): void {
    if (durationMs === 0) this.#delaysMs.delete(endpoint)
    else this.#delaysMs.set(endpoint, durationMs)
  }

  fail(endpoint: Endpoint, rate: number): void {
    if (rate === 0) this.#errorRates.delete(endpoint)
    else this.#errorRates.set(endpoint, rate)
  }

  clear(): void {
    this.#delaysMs.clear()
    this.#errorRates.clear()
  }

  status() {
    return {
      delays: Object.fromEntries(this.#delaysMs) as Partial<Record<Endpoint, number>>,
      errors: Object.fromEntries(this.#errorRates) as Partial<Record<Endpoint, number>>,
    }
  }

  /** @throws SimulatedError as often as was ordered */
  async suffer(endpoint: Endpoint): Promise<void> {
    const delayMs = this.#delaysMs.get(endpoint)
    if (delayMs !== undefined) await sleep(delayMs)
    if (this.#random() < (this.#errorRates.get(endpoint) ?? 0)) {
      throw new SimulatedError(messages[endpoint])
    }
  }
}

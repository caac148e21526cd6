/** Sends one message until the receiver has taken or refused it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { Metrics } from '../shared/metrics.ts'
import { LATENCY_BUCKETS_SECONDS } from '../shared/metrics.ts'
import type { LiveSecret } from '../shared/secrets/secrets.ts'
import { headersOf, type WebhookMessage } from './message.ts'
import { isHopeless, judge, pauseMs, type Verdict } from './verdict.ts'

export interface SenderOptions {
  /** A secret, since receivers like Slack put their token into the path. */
  readonly url: Pick<LiveSecret, 'current'>
  readonly secret: Pick<LiveSecret, 'current'> | undefined
  readonly logger: Logger
  readonly metrics: Metrics
  readonly answerWithinMs?: number
}

export class WebhookSender {
  readonly #options: SenderOptions
  /** For the log: what is no secret of the address. */
  #receiver = ''
  readonly #deliveries
  readonly #duration
  #accepted = 0

  constructor(options: SenderOptions) {
    this.#options = options
    this.#deliveries = options.metrics.counter({
      name: 'webhook_deliveries_total',
      help: 'Attempts to deliver an anomaly by how they ended.',
      labels: ['outcome'],
    })
    this.#duration = options.metrics.histogram({
      name: 'webhook_attempt_duration_seconds',
      help: 'Time until the receiver answered, or did not.',
      buckets: LATENCY_BUCKETS_SECONDS,
    })
  }

  /** Resolves when the message needs no more attention; rejects only when `signal` aborts. */
  async send(message: WebhookMessage, signal: AbortSignal): Promise<void> {
    const acceptedBefore = this.#accepted
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      const verdict = await this.#attempt(message, signal)
      switch (verdict.kind) {
        case 'accepted':
          this.#accepted += 1
          return
        case 'refused':
          this.#drop(message, verdict.reason)
          return
        case 'retry': {
          const othersAcceptedSince = this.#accepted - acceptedBefore
          if (isHopeless({ attempts: attempt, othersAcceptedSince })) {
            this.#drop(message, `${verdict.reason} ${attempt} times while it took others`)
            return
          }
          const { reason, notBeforeMs } = verdict
          const waitMs = pauseMs({ attempt, notBeforeMs, random: Math.random() })
          this.#warn({ message, attempt, reason, waitMs })
          await sleep(waitMs, undefined, { signal })
        }
      }
    }
  }

  async #attempt(message: WebhookMessage, signal: AbortSignal): Promise<Verdict> {
    const { url, secret, answerWithinMs = 10_000 } = this.#options
    const stopTimer = this.#duration.startTimer()
    const timeout = AbortSignal.timeout(answerWithinMs)
    let verdict: Verdict
    try {
      const [to, signing] = await Promise.all([url.current(), secret?.current()])
      this.#receiver = new URL(to.reveal()).origin
      const response = await fetch(to.reveal(), {
        method: 'POST',
        headers: headersOf(message, { secret: signing?.reveal(), nowMs: Date.now() }),
        body: message.body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout]),
      })
      await response.body?.cancel() // what it says is of no interest, the connection is
      const retryAfter = response.headers.get('retry-after')
      verdict = judge(response.status, { retryAfter, nowMs: Date.now() })
    } catch (error) {
      signal.throwIfAborted()
      const reason = timeout.aborted ? `gave no answer in ${answerWithinMs} ms` : reasonOf(error)
      verdict = { kind: 'retry', reason, notBeforeMs: 0 }
    }
    stopTimer()
    this.#deliveries.inc({ outcome: verdict.kind })
    return verdict
  }

  #drop({ key }: WebhookMessage, reason: string): void {
    this.#deliveries.inc({ outcome: 'dropped' })
    this.#options.logger.error(
      { key, receiver: this.#receiver },
      `The webhook receiver ${reason}; this revision is not sent again. It stays in signals.anomalies.`,
    )
  }

  /** The first failure of a message and then one in ten: a receiver that is down must not fill the log. */
  #warn(failure: {
    readonly message: WebhookMessage
    readonly attempt: number
    readonly reason: string
    readonly waitMs: number
  }): void {
    const { message, attempt, reason, waitMs } = failure
    if (attempt % 10 !== 1) return
    const { key } = message
    this.#options.logger.warn(
      { key, attempt, waitMs, receiver: this.#receiver },
      `The webhook receiver ${reason}; trying again`,
    )
  }
}

/** fetch says only "fetch failed"; its cause says why. */
const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  return `cannot be reached (${messageOf(cause ?? error)})`
}

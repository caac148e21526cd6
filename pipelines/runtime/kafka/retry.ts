import { setTimeout as delay } from 'node:timers/promises'
import { isRetryable } from './kafka-error.ts'

export interface RetryOptions {
  /** Give up (throwing the last error) when the next try would begin later than this. */
  readonly timeoutMs: number
  readonly firstDelayMs?: number
  readonly maxDelayMs?: number
  /** Default: KafkaError.retryable. */
  readonly retryIf?: (error: unknown) => boolean
  readonly signal?: AbortSignal | undefined
  readonly onRetry?: (error: unknown) => void
}

/** Doubles from `firstDelayMs` to `maxDelayMs`. */
export const backOffMs = (attempt: number, firstDelayMs: number, maxDelayMs: number): number =>
  Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt, 20))

export async function retrying<Result>(
  options: RetryOptions,
  run: () => Promise<Result>,
): Promise<Result> {
  const { timeoutMs, firstDelayMs = 20, maxDelayMs = 1000, retryIf = isRetryable } = options
  const startedAt = performance.now()
  for (let attempt = 0; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const delayMs = backOffMs(attempt, firstDelayMs, maxDelayMs)
      const tooLate = performance.now() - startedAt + delayMs > timeoutMs
      if (!retryIf(error) || tooLate || options.signal?.aborted === true) throw error
      options.onRetry?.(error)
      await sleep(delayMs, options.signal)
    }
  }
}

/** Resolves after `ms` or as soon as `signal` aborts; never rejects. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0) return
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  } catch {
    // Aborted: the caller looks at its signal.
  }
}

/** Waits for all, also when one fails: nothing keeps running behind the caller's back. */
export async function allSettledOrThrow(running: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(running)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}

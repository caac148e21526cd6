/**
 * Waiting for something that will come: a broker that starts, a registry that restarts.
 *
 * Exponential back-off with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog,
 * 2015): the pause is random(0, min(maxMs, initialMs * 2^attempt)), so that many processes which
 * lost the same server do not come back in step.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EXIT, messageOf, ServiceError } from './errors.ts'

export interface RetryOptions<T> {
  /** What is waited for, as in "cannot reach <this>". */
  readonly what: string
  readonly attempt: () => Promise<T>
  /** False ends the waiting at once. Default: everything whose `retryable` is not false. */
  readonly isRetryable?: (error: unknown) => boolean
  /** Ends the waiting; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Gives up after this; without it, waits for ever. */
  readonly deadlineMs?: number
  readonly initialMs?: number
  readonly maxMs?: number
  /** Told of every failed attempt that will be repeated. */
  readonly onRetry?: (failure: RetryFailure) => void
  readonly random?: () => number
}

export interface RetryFailure {
  readonly error: unknown
  readonly attempt: number
  readonly pauseMs: number
}

const saysRetryable = (error: unknown): boolean =>
  (error as { retryable?: unknown } | null | undefined)?.retryable !== false

export const retry = async <T>(options: RetryOptions<T>): Promise<T> => {
  const { initialMs = 100, maxMs = 5_000, deadlineMs = Infinity, random = Math.random } = options
  const isRetryable = options.isRetryable ?? saysRetryable
  const startedMs = performance.now()
  for (let attempt = 1; ; attempt += 1) {
    options.signal?.throwIfAborted()
    try {
      return await options.attempt()
    } catch (error) {
      if (!isRetryable(error)) throw error
      const waitedMs = performance.now() - startedMs
      const ceilingMs = Math.min(maxMs, initialMs * 2 ** (attempt - 1))
      const pauseMs = Math.ceil(ceilingMs * random())
      if (waitedMs + pauseMs > deadlineMs) throw gaveUp(options.what, waitedMs, error)
      options.onRetry?.({ error, attempt, pauseMs })
      await pause(pauseMs, options.signal)
    }
  }
}

const pause = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  try {
    await sleep(ms, undefined, signal ? { signal } : {})
  } catch (error) {
    signal?.throwIfAborted() // the signal's own reason, not the timer's AbortError
    throw error
  }
}

const gaveUp = (what: string, waitedMs: number, cause: unknown): ServiceError =>
  new ServiceError({
    code: 'DEPENDENCY_UNREACHABLE',
    retryable: true,
    exitCode: EXIT.unreachable,
    message: `Cannot reach ${what} after ${Math.round(waitedMs)} ms (${messageOf(cause)}). Check its address and that it runs.`,
    cause,
  })

import { setTimeout as sleep } from 'node:timers/promises'

export interface UntilOptions {
  /** What is waited for, as in "did not see ... within 60 s". */
  readonly what: string
  readonly timeoutMs: number
  readonly intervalMs?: number
  readonly signal?: AbortSignal | undefined
}

/** Repeats a probe until it answers something; throws when the time is over. */
export const until = async <Result>(
  probe: () => Promise<Result | undefined> | Result | undefined,
  { what, timeoutMs, intervalMs = 50, signal }: UntilOptions,
): Promise<Result> => {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    const result = await probe()
    if (result !== undefined) return result
    if (performance.now() > deadlineMs) {
      throw new Error(`did not see ${what} within ${Math.round(timeoutMs / 1_000)} s`)
    }
    await sleep(intervalMs, undefined, { signal })
  }
}

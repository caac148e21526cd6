import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Repeats a probe until its result is as wanted, one at a time (`expect.poll` may leave one running
 * behind the test). The last result comes back either way, so that the assertion shows it.
 */
export const eventually = async <Result>(
  probe: () => Promise<Result> | Result,
  isWanted: (result: Result) => boolean,
  { timeoutMs = 30_000, intervalMs = 100 } = {},
): Promise<Result> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const result = await probe()
    if (isWanted(result) || performance.now() > deadline) return result
    await sleep(intervalMs)
  }
}

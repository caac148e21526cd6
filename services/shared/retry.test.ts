import { describe, expect, it, vi } from 'vitest'
import { exitCodeOf } from './errors.ts'
import { retry } from './retry.ts'

const failing = (times: number) => {
  let left = times
  return vi.fn(async () => {
    await Promise.resolve()
    left -= 1
    if (left >= 0) throw new Error('refused')
    return 'connected'
  })
}

const immediately = { what: 'the broker', initialMs: 0 }

it('returns the first success', async () => {
  const attempt = failing(3)
  await expect(retry({ ...immediately, attempt })).resolves.toBe('connected')
  expect(attempt).toHaveBeenCalledTimes(4)
})

it('doubles the ceiling of its pauses up to the limit, and jitters below it', async () => {
  const pauses: number[] = []
  const options = { what: 'x', initialMs: 2, maxMs: 6, random: () => 0.5, attempt: failing(4) }
  await retry({ ...options, onRetry: ({ pauseMs }) => pauses.push(pauseMs) })
  expect(pauses).toEqual([1, 2, 3, 3])
})

it('does not repeat what says it is not retryable', async () => {
  const attempt = vi.fn(() => Promise.reject(Object.assign(new Error('no'), { retryable: false })))
  await expect(retry({ ...immediately, attempt })).rejects.toThrow('no')
  expect(attempt).toHaveBeenCalledTimes(1)
})

it('gives up at the deadline as something that cannot be reached', async () => {
  const waiting = retry({
    what: 'Kafka at 127.0.0.1:1',
    attempt: failing(Infinity),
    initialMs: 1,
    deadlineMs: 20,
  })
  const error: unknown = await waiting.catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'DEPENDENCY_UNREACHABLE' })
  expect(String(error)).toMatch(/Kafka at 127.0.0.1:1 after \d+ ms \(refused\)/)
  expect(exitCodeOf(error)).toBe(3)
})

describe('a signal', () => {
  it('ends the pause with its own reason', async () => {
    const controller = new AbortController()
    const waiting = retry({
      what: 'x',
      attempt: failing(Infinity),
      initialMs: 60_000,
      maxMs: 60_000,
      random: () => 1,
      signal: controller.signal,
      onRetry: () => {
        controller.abort(new Error('stopping'))
      },
    })
    await expect(waiting).rejects.toThrow('stopping')
  })

  it('that was given before prevents the first attempt', async () => {
    const attempt = failing(0)
    const signal = AbortSignal.abort(new Error('stopping'))
    await expect(retry({ ...immediately, attempt, signal })).rejects.toThrow('stopping')
    expect(attempt).not.toHaveBeenCalled()
  })
})

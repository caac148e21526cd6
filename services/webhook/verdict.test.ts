import { describe, expect, it } from 'vitest'
import { isHopeless, judge, pauseMs } from './verdict.ts'

const nowMs = Date.UTC(2026, 0, 31)
const answer = (status: number, retryAfter: string | null = null) =>
  judge(status, { retryAfter, nowMs })

it.each([
  ...[200, 201, 204, 299].map((status) => ({ status, kind: 'accepted' })),
  ...[301, 307, 400, 401, 403, 404, 409, 410, 413, 422].map((status) => ({
    status,
    kind: 'refused',
  })),
  ...[408, 425, 429, 500, 502, 503, 504, 599].map((status) => ({ status, kind: 'retry' })),
])('$status: $kind', ({ status, kind }) => {
  expect(answer(status).kind).toBe(kind)
})

it.each([
  { title: 'none', retryAfter: null, waitMs: 0 },
  { title: 'seconds', retryAfter: '7', waitMs: 7_000 },
  { title: 'a date', retryAfter: new Date(nowMs + 90_000).toUTCString(), waitMs: 90_000 },
  { title: 'a date gone by', retryAfter: new Date(nowMs - 90_000).toUTCString(), waitMs: 0 },
  { title: 'a year', retryAfter: '31536000', waitMs: 600_000 },
  { title: 'nonsense', retryAfter: 'soon', waitMs: 0 },
])('Retry-After of $title: not before $waitMs ms', ({ retryAfter, waitMs }) => {
  expect(answer(503, retryAfter)).toMatchObject({ notBeforeMs: waitMs })
})

describe('the pause before the next attempt', () => {
  it.each([
    { attempt: 1, random: 0, ms: 250 },
    { attempt: 1, random: 0.999_999, ms: 500 },
    { attempt: 2, random: 0, ms: 500 },
    { attempt: 8, random: 0, ms: 30_000 },
    { attempt: 1_000_000, random: 0.999_999, ms: 60_000 },
  ])('attempt $attempt, random $random: $ms ms', ({ attempt, random, ms }) => {
    expect(pauseMs({ attempt, random, notBeforeMs: 0 })).toBe(ms)
    expect(pauseMs({ attempt, random, notBeforeMs: 5_000 })).toBe(ms + 5_000)
  })
})

it.each([
  { title: 'few attempts', attempts: 11, othersAcceptedSince: 5, hopeless: false },
  {
    title: 'a receiver that takes nothing',
    attempts: 10_000,
    othersAcceptedSince: 0,
    hopeless: false,
  },
  { title: 'only this message', attempts: 12, othersAcceptedSince: 1, hopeless: true },
])('$title: hopeless $hopeless', ({ hopeless, ...history }) => {
  expect(isHopeless(history)).toBe(hopeless)
})

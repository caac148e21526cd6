import { expect, it } from 'vitest'
import { OriginProgress } from './origin-progress.ts'

const progressOf = (ticks: readonly (readonly [string, number])[]) => {
  const progress = new OriginProgress([['control'], ['p/0', 'p/1', 'p/2']])
  for (const [origin, appendedAtMs] of ticks) progress.note(origin, appendedAtMs)
  return progress.slowest
}

it.each([
  { title: 'nothing before the first tick', ticks: [], slowest: undefined },
  {
    title: 'the origin that fell silent, and since when',
    ticks: [
      ['p/0', 10],
      ['p/1', 11],
      ['p/2', 12],
      ['p/0', 50],
      ['p/2', 60],
    ],
    slowest: { origin: 'p/1', sinceMs: 11, behindMs: 49 },
  },
  {
    title: 'an origin that was never heard, since its stage began',
    ticks: [
      ['p/0', 10],
      ['p/1', 20],
      ['p/0', 20],
    ],
    slowest: { origin: 'p/2', sinceMs: 10, behindMs: 10 },
  },
  {
    title: 'no origin that is the only one of its stage, however old: that is lag',
    ticks: [
      ['control', 1],
      ['p/0', 100],
      ['p/1', 100],
      ['p/2', 100],
    ],
    slowest: { origin: 'control', sinceMs: 1, behindMs: 0 },
  },
] as const)('names $title', ({ ticks, slowest }) => {
  expect(progressOf(ticks)).toEqual(slowest)
})

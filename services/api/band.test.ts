import { expect, it } from 'vitest'
import { withBand } from './band.ts'

const at = (...times: number[]) => times.map((at_ms) => ({ at_ms }))
const joined = (points: number[], bands: number[]) =>
  withBand(at(...points), at(...bands)).map(({ band }) => band?.at_ms)

it.each([
  { title: 'no baseline yet', points: [1, 2], bands: [], expected: [undefined, undefined] },
  {
    title: 'a baseline of the same time has learned the point',
    points: [5],
    bands: [5],
    expected: [undefined],
  },
  { title: 'a baseline just before', points: [6], bands: [5], expected: [5] },
  { title: 'the newest of several before', points: [9], bands: [1, 5, 8], expected: [8] },
  {
    title: 'each point its own',
    points: [2, 6, 7, 20],
    bands: [1, 5, 10],
    expected: [1, 5, 5, 10],
  },
  { title: 'a baseline older than everything', points: [100, 200], bands: [1], expected: [1, 1] },
  { title: 'no points', points: [], bands: [1], expected: [] },
])('$title', ({ points, bands, expected }) => {
  expect(joined(points, bands)).toEqual(expected)
})

import { expect, it } from 'vitest'
import { retentionUsed } from './retention-watch.ts'

const HOUR_MS = 3_600_000
const NOW_MS = 100 * HOUR_MS
const behind = {
  committed: 600,
  highWatermark: 1_000,
  logStartOffset: 200,
  oldestAppendMs: NOW_MS - HOUR_MS,
}
const forEver = { ms: -1, bytes: -1 }

it.each([
  { title: 'kept for ever', progress: behind, limits: forEver, used: 0 },
  { title: 'an hour of two', progress: behind, limits: { ms: 2 * HOUR_MS, bytes: -1 }, used: 0.5 },
  { title: 'half of a log cut by size', progress: behind, limits: { ms: -1, bytes: 1 }, used: 0.5 },
  {
    title: 'the nearer one',
    progress: behind,
    limits: { ms: 1.25 * HOUR_MS, bytes: 1 },
    used: 0.8,
  },
  {
    title: 'a log that was never cut',
    progress: { ...behind, logStartOffset: 0 },
    limits: { ms: -1, bytes: 1 },
    used: 0,
  },
  {
    title: 'nothing behind',
    progress: { ...behind, committed: 1_000 },
    limits: { ms: 1, bytes: 1 },
    used: 0,
  },
  {
    title: 'not open yet',
    progress: { ...behind, committed: undefined },
    limits: { ms: 1, bytes: 1 },
    used: 0,
  },
])('$title uses $used of the retention', ({ progress, limits, used }) => {
  expect(retentionUsed(progress, limits, NOW_MS)).toBeCloseTo(used)
})

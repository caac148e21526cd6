import { expect, it } from 'vitest'
import { OffsetTracker } from './offset-tracker.ts'

it('commits behind the last record before which everything is finished', () => {
  const tracker = new OffsetTracker(10)
  expect(tracker.committable).toBeUndefined()
  for (const offset of [10, 11, 13]) tracker.start(offset)
  expect(tracker.committable).toBeUndefined()
  tracker.finish(11)
  expect(tracker.committable).toBeUndefined()
  tracker.finish(10)
  expect(tracker.committable).toBe(13)
  tracker.committed(13)
  expect(tracker.committable).toBeUndefined()
  tracker.finish(13)
  expect(tracker.committable).toBe(14)
  tracker.skipTo(20)
  expect(tracker.committable).toBe(20)
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RunCollector, sizeOf, without } from './offset-runs.ts'

const runsOf = (offsets: Iterable<number>) => {
  const collector = new RunCollector()
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) collector.add(offset)
  return collector.runs
}

it('joins neighbours', () => {
  expect(runsOf([1, 2, 3, 7, 9, 10])).toEqual([
    { first: 1, last: 3 },
    { first: 7, last: 7 },
    { first: 9, last: 10 },
  ])
})

it('takes away as sets do', () => {
  const offsets = fc.array(fc.nat(60))
  fc.assert(
    fc.property(offsets, offsets, (all, removed) => {
      const left = new Set(all.filter((offset) => !removed.includes(offset)))
      const runs = without(runsOf(all), runsOf(removed))
      expect(runs).toEqual(runsOf(left))
      expect(sizeOf(runs)).toBe(left.size)
    }),
  )
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FAULT_KINDS, FIRST_WORKERS, PLACES, planFaults } from './plan.ts'

const anySeed = fc.integer({ min: 0, max: 0xffffffff })

it('is the same for the same seed, and another for another', () => {
  const plan = planFaults({ seed: 7, minutes: 5 })
  expect(planFaults({ seed: 7, minutes: 5 })).toEqual(plan)
  expect(planFaults({ seed: 8, minutes: 5 })).not.toEqual(plan)
})

it('has at least 60 faults in five minutes, and each kind even in one', () => {
  fc.assert(
    fc.property(anySeed, (seed) => {
      expect(planFaults({ seed, minutes: 5 }).length).toBeGreaterThanOrEqual(60)
      const kinds = new Set(planFaults({ seed, minutes: 1 }).map(({ kind }) => kind))
      expect(kinds).toEqual(new Set(FAULT_KINDS))
    }),
  )
})

it('comes in order, within the time', () => {
  fc.assert(
    fc.property(anySeed, (seed) => {
      const moments = planFaults({ seed, minutes: 1 }).map(({ atMs }) => atMs)
      expect(moments).toEqual(moments.toSorted((a, b) => a - b))
      expect(Math.max(...moments)).toBeLessThanOrEqual(60_000)
    }),
  )
})

it('strikes workers that are there, and leaves two', () => {
  fc.assert(
    fc.property(anySeed, (seed) => {
      const staffed = new Set(Array.from({ length: FIRST_WORKERS }, (_, place) => place))
      for (const { kind, worker } of planFaults({ seed, minutes: 5 })) {
        expect(staffed.has(worker)).toBe(kind !== 'add-worker')
        if (kind === 'add-worker') staffed.add(worker)
        if (kind === 'remove-worker') staffed.delete(worker)
        expect(staffed.size).toBeGreaterThanOrEqual(2)
        expect(staffed.size).toBeLessThanOrEqual(PLACES)
      }
    }),
  )
})

it('keeps to the kinds that are asked for', () => {
  const kinds = planFaults({ seed: 1, minutes: 3, kinds: ['zombie', 'sink-kill'] })
  expect(new Set(kinds.map(({ kind }) => kind))).toEqual(new Set(['zombie', 'sink-kill']))
})

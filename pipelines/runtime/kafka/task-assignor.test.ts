import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignTasks } from './task-assignor.ts'
import type { MemberClaim } from './task-assignor.ts'

const tasksOf = (topology: string, count: number): string[] =>
  Array.from({ length: count }, (_, partition) => `${topology}/${String(partition)}`)

const fresh = (memberId: string): MemberClaim => ({ memberId, ownedTasks: [], generation: -1 })

/** The next generation: everybody claims what the last one gave. */
const claimsOf = (assigned: ReadonlyMap<string, readonly string[]>, generation: number) =>
  [...assigned].map(([memberId, ownedTasks]) => ({ memberId, ownedTasks, generation }))

describe('assignTasks', () => {
  it('moves as little as possible while members come and go', () => {
    const tasks = tasksOf('t', 8)
    const one = assignTasks(tasks, [fresh('A')])
    expect(one.get('A')).toEqual(tasks)

    const two = assignTasks(tasks, [...claimsOf(one, 1), fresh('B')])
    expect(two.get('A')).toEqual(['t/0', 't/1', 't/2', 't/3'])
    expect(two.get('B')).toEqual(['t/4', 't/5', 't/6', 't/7'])

    const three = assignTasks(tasks, [...claimsOf(two, 2), fresh('C')])
    expect(three.get('A')).toEqual(['t/0', 't/1', 't/2'])
    expect(three.get('B')).toEqual(['t/4', 't/5', 't/6'])
    expect(three.get('C')).toEqual(['t/3', 't/7'])

    const left = claimsOf(three, 3).filter(({ memberId }) => memberId !== 'B')
    const again = assignTasks(tasks, left)
    expect(again.get('A')).toEqual(['t/0', 't/1', 't/2', 't/5'])
    expect(again.get('C')).toEqual(['t/3', 't/4', 't/6', 't/7'])
  })

  it('spreads the partitions of each topology', () => {
    const tasks = [...tasksOf('a', 2), ...tasksOf('b', 2)]
    const assigned = assignTasks(tasks, [fresh('A'), fresh('B')])
    expect(assigned.get('A')).toEqual(['a/0', 'b/0'])
    expect(assigned.get('B')).toEqual(['a/1', 'b/1'])
  })

  it('believes the younger of two claims', () => {
    const stale = { memberId: 'A', ownedTasks: ['t/0', 't/1'], generation: 3 }
    const young = { memberId: 'B', ownedTasks: ['t/0'], generation: 5 }
    const assigned = assignTasks(tasksOf('t', 2), [stale, young])
    expect(assigned.get('B')).toEqual(['t/0'])
    expect(assigned.get('A')).toEqual(['t/1'])
  })

  it('ignores claims on tasks that no longer exist, and gives idle members an empty list', () => {
    const old = { memberId: 'A', ownedTasks: ['gone/0'], generation: 1 }
    const assigned = assignTasks(['t/0'], [old, fresh('B')])
    expect([...assigned.values()].map((own) => own.length).sort()).toEqual([0, 1])
  })

  const claim = fc.record({
    memberId: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    ownedTasks: fc.uniqueArray(fc.constantFrom(...tasksOf('t', 12), 'gone/1')),
    generation: fc.integer({ min: -1, max: 5 }),
  })
  const claims = fc.uniqueArray(claim, { minLength: 1, selector: ({ memberId }) => memberId })

  it('is complete, balanced, deterministic and a fixed point', () => {
    fc.assert(
      fc.property(claims, fc.nat(12), (members, count) => {
        const tasks = tasksOf('t', count)
        const assigned = assignTasks(tasks, members)
        expect([...assigned.values()].flat().sort()).toEqual([...tasks].sort())
        const sizes = [...assigned.values()].map((own) => own.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        expect(assignTasks(tasks, [...members].reverse())).toEqual(assigned)
        expect(assignTasks(tasks, claimsOf(assigned, 9))).toEqual(assigned)
      }),
    )
  })
})

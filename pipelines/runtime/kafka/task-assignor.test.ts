import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignTasks } from './task-assignor.ts'
import type { Deal, MemberClaim } from './task-assignor.ts'

const tasksOf = (topology: string, count: number): string[] =>
  Array.from({ length: count }, (_, partition) => `${topology}/${String(partition)}`)

const fresh = (memberId: string): MemberClaim => ({ memberId, heldTasks: [], generation: -1 })

/** The next generation: everybody has let go what the deal does not name, and taken what it does. */
const claimsOf = ({ assigned }: Deal, generation: number): MemberClaim[] =>
  [...assigned].map(([memberId, heldTasks]) => ({ memberId, heldTasks, generation }))

/** Generations until nothing is handed over any more. */
const settle = (
  tasks: readonly string[],
  members: readonly MemberClaim[],
): { readonly deal: Deal; readonly generations: number } => {
  let deal = assignTasks(tasks, members)
  let generations = 1
  while (deal.withheld.length > 0 && generations < 10) {
    deal = assignTasks(tasks, claimsOf(deal, 100 + generations))
    generations += 1
  }
  return { deal, generations }
}

describe('assignTasks', () => {
  it('moves as little as possible while members come and go', () => {
    const tasks = tasksOf('t', 8)
    const one = assignTasks(tasks, [fresh('A')])
    expect(one.assigned.get('A')).toEqual(tasks)

    const two = settle(tasks, [...claimsOf(one, 1), fresh('B')]).deal
    expect(two.assigned.get('A')).toEqual(['t/0', 't/1', 't/2', 't/3'])
    expect(two.assigned.get('B')).toEqual(['t/4', 't/5', 't/6', 't/7'])

    const three = settle(tasks, [...claimsOf(two, 3), fresh('C')]).deal
    expect(three.assigned.get('A')).toEqual(['t/0', 't/1', 't/2'])
    expect(three.assigned.get('B')).toEqual(['t/4', 't/5', 't/6'])
    expect(three.assigned.get('C')).toEqual(['t/3', 't/7'])

    const left = claimsOf(three, 5).filter(({ memberId }) => memberId !== 'B')
    const again = assignTasks(tasks, left)
    expect(again.withheld).toEqual([])
    expect(again.assigned.get('A')).toEqual(['t/0', 't/1', 't/2', 't/5'])
    expect(again.assigned.get('C')).toEqual(['t/3', 't/4', 't/6', 't/7'])
  })

  it('gives a task that is still held to nobody, and to its new owner when it was let go', () => {
    const tasks = tasksOf('t', 2)
    const holder = { memberId: 'A', heldTasks: tasks, generation: 1 }
    const first = assignTasks(tasks, [holder, fresh('B')])
    expect(first.assigned).toEqual(
      new Map([
        ['A', ['t/0']],
        ['B', []],
      ]),
    )
    expect(first.withheld).toEqual(['t/1'])
    const second = assignTasks(tasks, claimsOf(first, 2))
    expect(second.assigned.get('B')).toEqual(['t/1'])
    expect(second.withheld).toEqual([])
  })

  it('gives the tasks of a dead member away at once', () => {
    const survivor = { memberId: 'B', heldTasks: ['t/1'], generation: 4 }
    const { assigned, withheld } = assignTasks(tasksOf('t', 2), [survivor])
    expect(assigned.get('B')).toEqual(['t/0', 't/1'])
    expect(withheld).toEqual([])
  })

  it('takes away what a member has got last', () => {
    const holder = { memberId: 'A', heldTasks: ['t/2', 't/3', 't/0', 't/1'], generation: 4 }
    const { assigned, withheld } = assignTasks(tasksOf('t', 4), [holder, fresh('B')])
    expect(assigned.get('A')).toEqual(['t/2', 't/3'])
    expect(withheld).toEqual(['t/0', 't/1'])
  })

  it('spreads the partitions of each topology', () => {
    const tasks = [...tasksOf('a', 2), ...tasksOf('b', 2)]
    const { assigned } = assignTasks(tasks, [fresh('A'), fresh('B')])
    expect(assigned.get('A')).toEqual(['a/0', 'b/0'])
    expect(assigned.get('B')).toEqual(['a/1', 'b/1'])
  })

  it('takes a task that two members claim from both, to give it to the one with the younger claim', () => {
    const stale = { memberId: 'A', heldTasks: ['t/0', 't/1'], generation: 3 }
    const young = { memberId: 'B', heldTasks: ['t/0'], generation: 5 }
    const { assigned, withheld } = assignTasks(tasksOf('t', 2), [stale, young])
    expect(withheld).toEqual(['t/0'])
    expect(assigned.get('A')).toEqual(['t/1'])
    expect(assigned.get('B')).toEqual([])
  })

  it('ignores claims on tasks that no longer exist, and gives idle members an empty list', () => {
    const old = { memberId: 'A', heldTasks: ['gone/0'], generation: 1 }
    const { assigned } = assignTasks(['t/0'], [old, fresh('B')])
    expect([...assigned.values()].map((own) => own.length).sort()).toEqual([0, 1])
  })
})

describe('whatever the members claim', () => {
  const claim = fc.record({
    memberId: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    heldTasks: fc.uniqueArray(fc.constantFrom(...tasksOf('t', 12), 'gone/1')),
    generation: fc.integer({ min: -1, max: 5 }),
  })
  const anyClaims = fc.uniqueArray(claim, { minLength: 1, selector: ({ memberId }) => memberId })
  /** As it is unless something is broken: nobody else holds what a member holds. */
  const disjointClaims = anyClaims.map((members) => {
    const taken = new Set<string>()
    return members.map((member) => {
      const heldTasks = member.heldTasks.filter((task) => !taken.has(task))
      for (const task of heldTasks) taken.add(task)
      return { ...member, heldTasks }
    })
  })

  it('each task has one owner or is being handed over, and no one gets what another holds', () => {
    fc.assert(
      fc.property(anyClaims, fc.nat(12), (members, count) => {
        const tasks = tasksOf('t', count)
        const { assigned, withheld } = assignTasks(tasks, members)
        expect([...assigned.values(), withheld].flat().sort()).toEqual([...tasks].sort())
        for (const { memberId, heldTasks } of members) {
          for (const [other, own] of assigned) {
            if (other !== memberId) expect(own.filter((t) => heldTasks.includes(t))).toEqual([])
          }
        }
        expect(assignTasks(tasks, [...members].reverse())).toEqual({ assigned, withheld })
      }),
    )
  })

  it('the second generation is complete and balanced, and a third changes nothing', () => {
    fc.assert(
      fc.property(anyClaims, fc.nat(12), (members, count) => {
        const tasks = tasksOf('t', count)
        const { deal, generations } = settle(tasks, members)
        expect(generations).toBeLessThanOrEqual(2)
        expect(deal.withheld).toEqual([])
        const sizes = [...deal.assigned.values()].map((own) => own.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        expect(assignTasks(tasks, claimsOf(deal, 999))).toEqual(deal)
      }),
    )
  })

  it('every member keeps what it holds, up to its share, in both generations', () => {
    fc.assert(
      fc.property(disjointClaims, fc.nat(12), (members, count) => {
        const tasks = tasksOf('t', count)
        const first = assignTasks(tasks, members)
        const last = settle(tasks, members).deal
        for (const { memberId, heldTasks } of members) {
          const held = heldTasks.filter((task) => tasks.includes(task))
          const own = last.assigned.get(memberId) ?? []
          const kept = own.filter((task) => held.includes(task))
          expect(kept).toHaveLength(Math.min(held.length, own.length))
          expect(first.assigned.get(memberId)).toEqual(expect.arrayContaining(kept))
        }
      }),
    )
  })

  it('who has no more than the least share loses nothing', () => {
    fc.assert(
      fc.property(disjointClaims, fc.nat(12), (members, count) => {
        const tasks = tasksOf('t', count)
        const { assigned } = assignTasks(tasks, members)
        for (const { memberId, heldTasks } of members) {
          const held = heldTasks.filter((task) => tasks.includes(task))
          if (held.length > Math.floor(count / members.length)) continue
          expect(assigned.get(memberId)).toEqual(expect.arrayContaining(held))
        }
      }),
    )
  })
})

import { expect, it } from 'vitest'
import { compare, numbered, outOfOrder } from './compare.ts'

const expected = new Map([
  ['a', '1'],
  ['b', '2'],
])
const nothing = { lost: [], duplicated: [], wrong: [] }

it.each([
  {
    title: 'all there',
    found: [
      ['a', '1'],
      ['b', '2'],
    ],
    differences: nothing,
  },
  { title: 'one lost', found: [['b', '2']], differences: { ...nothing, lost: ['a'] } },
  {
    title: 'one twice',
    found: [
      ['a', '1'],
      ['b', '2'],
      ['a', '1'],
    ],
    differences: { ...nothing, duplicated: ['a'] },
  },
  {
    title: 'one that nobody expects',
    found: [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ],
    differences: { ...nothing, duplicated: ['c'] },
  },
  {
    title: 'one that says something else',
    found: [
      ['a', '1'],
      ['b', '7'],
    ],
    differences: { ...nothing, wrong: ['b: 7, expected 2'] },
  },
] as const)('$title', ({ found, differences }) => {
  expect(compare(expected, found)).toEqual(differences)
})

it('numbers what comes several times', () => {
  expect([...numbered(['a', 'b', 'a']).keys()]).toEqual(['a', 'b', 'a #2'])
})

it.each([
  {
    title: 'in order',
    counts: [
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ],
    faults: [],
  },
  {
    title: 'a gap',
    counts: [
      ['a', 1],
      ['a', 3],
    ],
    faults: ['a: 3 behind 1'],
  },
  {
    title: 'a repetition',
    counts: [
      ['a', 1],
      ['a', 1],
    ],
    faults: ['a: 1 behind 1'],
  },
] as const)('running counts: $title', ({ counts, faults }) => {
  expect(outOfOrder(counts)).toEqual(faults)
})

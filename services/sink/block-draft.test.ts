import { expect, it } from 'vitest'
import { BlockDraft, Linger, type BlockLimits } from './block-draft.ts'
import { RowWriter } from './row-writer.ts'

const limits: BlockLimits = {
  sizeBytes: 100,
  rows: 3,
  deadLetters: 2,
  minLingerMs: 500,
  maxLingerMs: 5_000,
  idleMs: 3_000,
}
const draft = () => new BlockDraft({ firstOffset: 10, writer: new RowWriter() })

it.each([
  { title: 'nothing', fill: () => undefined, isFull: false },
  {
    title: 'one row less than allowed',
    fill: (each: BlockDraft) => (each.rows = 2),
    isFull: false,
  },
  { title: 'all rows allowed', fill: (each: BlockDraft) => (each.rows = 3), isFull: true },
  {
    title: 'all dead letters allowed',
    fill: (each: BlockDraft) => (each.deadLetters = 2),
    isFull: true,
  },
  { title: 'a byte less', fill: (each: BlockDraft) => (each.writer.sizeBytes = 99), isFull: false },
  { title: 'all bytes', fill: (each: BlockDraft) => (each.writer.sizeBytes = 100), isFull: true },
])('with $title, full is $isFull', ({ fill, isFull }) => {
  const each = draft()
  fill(each)
  expect(each.isFull(limits)).toBe(isFull)
})

it('is due a while after its first record, later if it has no rows', () => {
  const each = draft()
  expect(each.dueAtMs(limits, 700)).toBeUndefined()
  each.advance(10, 1_000)
  expect(each.dueAtMs(limits, 700)).toBeUndefined()
  each.advance(12, 1_000)
  expect(each.dueAtMs(limits, 700)).toBe(4_000)
  each.rows = 1
  each.advance(13, 2_000)
  expect(each.dueAtMs(limits, 700)).toBe(1_700)
  expect(each.bounds).toEqual({ firstOffset: 10, lastOffset: 12 })
})

it('lingers ten times as long as commits take, within bounds', () => {
  const linger = new Linger(limits)
  expect(linger.ms).toBe(500)
  for (let commits = 0; commits < 50; commits += 1) linger.committed(200)
  expect(linger.ms).toBeCloseTo(2_000)
  for (let commits = 0; commits < 50; commits += 1) linger.committed(60_000)
  expect(linger.ms).toBe(5_000)
})

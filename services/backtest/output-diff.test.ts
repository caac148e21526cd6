import { describe, expect, it } from 'vitest'
import { OutputDiff, type DiffResult, type DiffSide } from './output-diff.ts'

interface Told {
  readonly key?: string
  readonly atMs?: number
  readonly id?: string
  readonly says?: unknown
  readonly configHash?: string
}

/** What both sides say to the same inputs, piece by piece. */
const compare = (
  pieces: readonly Partial<Record<DiffSide, readonly Told[]>>[],
  options: { limit?: number; maxOpen?: number } = {},
): DiffResult => {
  const diff = new OutputDiff('t', { limit: 10, ...options })
  for (const piece of pieces) {
    for (const side of ['baseline', 'candidate'] as const) {
      for (const { key = 'k', atMs = 0, ...value } of piece[side] ?? []) {
        diff.add(side, { key, eventTimeMs: atMs, value })
      }
    }
    diff.settle()
  }
  return diff.finish()
}

describe('by key and event time', () => {
  it.each([
    {
      title: 'the same on both sides',
      pieces: [{ baseline: [{ says: 1 }], candidate: [{ says: 1 }] }],
      counts: { added: 0, removed: 0, changed: 0 },
    },
    {
      title: 'another value',
      pieces: [{ baseline: [{ says: 1 }], candidate: [{ says: 2 }] }],
      counts: { added: 0, removed: 0, changed: 1 },
    },
    {
      title: 'another time',
      pieces: [{ baseline: [{ atMs: 1 }], candidate: [{ atMs: 2 }] }],
      counts: { added: 1, removed: 1, changed: 0 },
    },
    {
      title: 'another key',
      pieces: [{ baseline: [{ key: 'a' }], candidate: [{ key: 'b' }] }],
      counts: { added: 1, removed: 1, changed: 0 },
    },
    {
      title: 'the same in another order',
      pieces: [
        {
          baseline: [{ atMs: 1 }, { atMs: 2 }],
          candidate: [{ atMs: 2 }, { atMs: 1 }],
        },
      ],
      counts: { added: 0, removed: 0, changed: 0 },
    },
    {
      title: 'nothing but the configuration that was in force',
      pieces: [{ baseline: [{ configHash: 'a' }], candidate: [{ configHash: 'b' }] }],
      counts: { added: 0, removed: 0, changed: 0 },
    },
  ])('counts $title', ({ pieces, counts }) => {
    expect(compare(pieces).counts).toEqual(counts)
  })
})

describe('by id', () => {
  const open = { id: 'e1', atMs: 1, says: 'open' }

  it('counts all revisions of an episode as one, however late they differ', () => {
    const result = compare([
      { baseline: [open], candidate: [open] },
      { candidate: [{ id: 'e1', atMs: 2, says: 'peak' }] },
      { baseline: [{ id: 'e1', atMs: 3, says: 'closed' }] },
    ])
    expect(result.counts).toEqual({ added: 0, removed: 0, changed: 1 })
    expect(result.changed[0]).toMatchObject({
      baseline: { says: 'closed' },
      candidate: { says: 'peak' },
    })
  })

  it('shows what differs, and nothing that was the same before', () => {
    const result = compare([
      { baseline: [open], candidate: [open] },
      { candidate: [{ id: 'e1', atMs: 2, says: 'peak' }] },
    ])
    expect(result.changed[0]).toMatchObject({ baseline: null, candidate: { says: 'peak' } })
  })
})

describe('limits', () => {
  const many = Array.from({ length: 50 }, (_, index) => ({ atMs: index }))

  it('lists so many and counts all', () => {
    const result = compare([{ candidate: many }], { limit: 3 })
    expect(result.counts.added).toBe(50)
    expect(result.added).toHaveLength(3)
  })

  it('settles what was seen longest ago when too much is open', () => {
    const pieces = many.map((each) => ({ baseline: [each] }))
    const result = compare([...pieces, { candidate: [{ atMs: 49 }, { atMs: 0 }] }], { maxOpen: 10 })
    // The last one was still known; the first one had been counted as removed.
    expect(result.counts).toEqual({ added: 1, removed: 49, changed: 0 })
  })
})

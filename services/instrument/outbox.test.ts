import { describe, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { type Answer, Outbox, type OutboxLimits } from './outbox.ts'

const fast = { delayMs: 1, firstBackoffMs: 1 }

/** Answers in turn, the last one for ever; `undefined` never comes. */
const outboxWith = (
  answers: readonly (Answer | undefined)[],
  limits: Partial<OutboxLimits> = {},
  encode = (items: readonly string[]) => items.join(),
) => {
  const bodies: string[] = []
  const troubles: string[] = []
  const holds: boolean[] = []
  const outbox = new Outbox<string>(
    {
      sizeOf: (item) => item.length,
      encode,
      post: (body) => {
        const answer = answers[Math.min(bodies.length, answers.length - 1)]
        bodies.push(body)
        return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer)
      },
      hold: (hold) => holds.push(hold),
      onTrouble: (what) => troubles.push(what),
    },
    { ...fast, ...limits },
  )
  const put = (...items: string[]) => items.forEach((item) => outbox.put(item))
  const settled = () =>
    eventually(
      () => outbox.waiting,
      (waiting) => waiting === 0,
      { intervalMs: 1 },
    )
  return { outbox, bodies, troubles, holds, put, settled }
}

const taken: Answer = { kind: 'taken', refused: 0 }
const later: Answer = { kind: 'later', reason: 'HTTP 503' }

describe('the outbox', () => {
  it('sends what was put, in order, in batches', async () => {
    const { outbox, bodies, put, settled } = outboxWith([taken], { batchItems: 2 })
    put('a', 'b', 'c')
    expect(bodies).toEqual([])
    await settled()
    expect(bodies).toEqual(['a,b', 'c'])
    expect(outbox.counts).toEqual({ sent: 3, dropped: 0, refused: 0, failed: 0 })
  })

  it.each([
    { title: 'by number', limits: { maxItems: 3 }, items: ['a', 'b', 'c', 'd', 'e'] },
    {
      title: 'by size',
      limits: { maxBytes: 30 },
      items: ['a'.repeat(10), 'b'.repeat(10), 'c'.repeat(10), 'd', 'e'],
    },
  ])('drops what finds no room, $title, and counts it', async ({ limits, items }) => {
    const { outbox, bodies, put, troubles, settled } = outboxWith([taken], limits)
    put(...items)
    expect(outbox.waiting).toBe(3)
    await settled()
    expect(bodies.join().split(',')).toEqual(items.slice(0, 3))
    expect(outbox.counts).toMatchObject({ sent: 3, dropped: 2 })
    expect(troubles).toHaveLength(1)
    put('again')
    await settled()
    expect(outbox.counts).toMatchObject({ sent: 4, dropped: 2 })
  })

  it('tries a batch again, the same bytes, while the other side may recover', async () => {
    const { outbox, bodies, put, settled } = outboxWith([later, { ...later, afterMs: 2 }, taken])
    put('a')
    await settled()
    expect(bodies).toEqual(['a', 'a', 'a'])
    expect(outbox.counts).toMatchObject({ sent: 1, failed: 0 })
  })

  it('gives a batch up after the last attempt, and goes on with the next', async () => {
    const { outbox, bodies, put, troubles, settled } = outboxWith([later, later, taken], {
      maxAttempts: 2,
      batchItems: 1,
    })
    put('a', 'b')
    await settled()
    expect(bodies).toEqual(['a', 'a', 'b'])
    expect(outbox.counts).toMatchObject({ sent: 1, failed: 1 })
    expect(troubles).toEqual(['HTTP 503'])
  })

  it('does not repeat what is refused', async () => {
    const { outbox, bodies, put, settled } = outboxWith([{ kind: 'refused', reason: 'HTTP 400' }])
    put('a', 'b')
    await settled()
    expect(bodies).toEqual(['a,b'])
    expect(outbox.counts).toMatchObject({ refused: 2, sent: 0 })
  })

  it('counts the part of a batch that is refused', async () => {
    const { outbox, put, settled } = outboxWith([{ kind: 'taken', refused: 1 }])
    put('a', 'b')
    await settled()
    expect(outbox.counts).toMatchObject({ refused: 1, sent: 1 })
  })

  it('makes bodies of at most so many bytes, as far as one item allows', async () => {
    const { outbox, bodies, put, settled } = outboxWith([taken], { bodyBytes: 5, batchItems: 5 })
    put('a', 'b', 'ää', 'more than five', 'e')
    await settled()
    expect(bodies).toEqual(['a,b', 'ää', 'more than five', 'e'])
    expect(outbox.counts).toMatchObject({ sent: 5, refused: 0 })
  })

  it('survives an encoder that throws', async () => {
    const { outbox, put, settled } = outboxWith([taken], {}, () => {
      throw new Error('a bug')
    })
    put('a')
    await settled()
    expect(outbox.counts).toMatchObject({ refused: 1 })
  })

  it('flush sends at once, whatever it waited for, and holds the process meanwhile', async () => {
    const { outbox, bodies, put, holds } = outboxWith([later, taken], {
      delayMs: 60_000,
      firstBackoffMs: 60_000,
      batchItems: 1,
    })
    put('a')
    await eventually(
      () => bodies.length,
      (count) => count === 1,
    )
    put('b', 'c')
    await outbox.flush(5_000)
    expect(bodies).toEqual(['a', 'a', 'b', 'c'])
    expect(outbox.waiting).toBe(0)
    expect(holds).toEqual([true, false])
  })

  it('flush gives up in time, and what is left can be had for last words', async () => {
    const { outbox, put } = outboxWith([undefined], { batchItems: 2 })
    put('a', 'b', 'c')
    await outbox.flush(20)
    expect(outbox.leftBodies()).toEqual(['a,b', 'c'])
    expect(outbox.leftBodies()).toEqual([])
  })

  it('last words begin with what is under way, the same bytes', async () => {
    const { outbox, bodies, put } = outboxWith([undefined], { batchItems: 2 })
    put('a')
    void outbox.flush(20)
    put('b', 'c')
    await outbox.flush(20)
    expect(bodies).toEqual(['a'])
    expect(outbox.leftBodies()).toEqual(['a', 'b,c'])
  })
})

import { describe, expect, it, vi } from 'vitest'
import { RecentLedger } from './ledger.ts'
import type { IntakeBatch } from './ports.ts'

const sender = { tenant: 'default', id: 'anonymous' }
const identity = { sender, door: 'plain', id: 'a' }

/** A batch that the test acknowledges. */
const pendingBatch = () => {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  promise.catch(() => undefined)
  const append = vi.fn<IntakeBatch['append']>()
  const batch: IntakeBatch = { append, acknowledged: () => promise, settled: promise }
  return {
    batch,
    append,
    acknowledge: async () => {
      resolve(undefined)
      await promise
    },
    fail: async () => {
      reject(new Error('refused for good'))
      await promise.catch(() => undefined)
    },
  }
}

const ledgerOf = (limits: { readonly entries?: number; readonly ageMs?: number } = {}) => {
  let nowMs = 0
  const memory = { entries: 100, ageMs: 1000, ...limits }
  const ledger = new RecentLedger({ requests: memory, ids: memory, nowMs: () => nowMs })
  return {
    ledger,
    wait: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('a request that comes again', () => {
  it('joins the first while that is on its way, and gets its answer afterwards', async () => {
    const { ledger } = ledgerOf()
    const { batch, acknowledge } = pendingBatch()
    const take = vi.fn(() => ({ batch, answer: 'first' }))
    const asked = [ledger.once(identity, take), ledger.once(identity, take)]
    await acknowledge()
    expect(await Promise.all(asked)).toEqual(['first', 'first'])
    expect(await ledger.once(identity, take)).toBe('first')
    expect(take).toHaveBeenCalledTimes(1)
  })

  it.each([
    { title: 'of another tenant', again: { ...identity, sender: { ...sender, tenant: 'b' } } },
    { title: 'at another door', again: { ...identity, door: 'otlp' } },
    { title: 'with another id', again: { ...identity, id: 'b' } },
  ])('is another one $title', async ({ again }) => {
    const { ledger } = ledgerOf()
    const { batch, acknowledge } = pendingBatch()
    await acknowledge()
    await ledger.once(identity, () => ({ batch, answer: 'first' }))
    expect(await ledger.once(again, () => ({ batch, answer: 'second' }))).toBe('second')
  })

  it('is the same with another key of the same tenant', async () => {
    const { ledger } = ledgerOf()
    const { batch, acknowledge } = pendingBatch()
    await acknowledge()
    await ledger.once(identity, () => ({ batch, answer: 'first' }))
    const renamed = { ...identity, sender: { ...sender, id: 'new key' } }
    expect(await ledger.once(renamed, () => ({ batch, answer: 'second' }))).toBe('first')
  })

  it('is refused with another content', async () => {
    const { ledger } = ledgerOf()
    const { batch, acknowledge } = pendingBatch()
    await acknowledge()
    const take = () => ({ batch, answer: 'first' })
    await ledger.once({ ...identity, content: 'x' }, take)
    await expect(ledger.once({ ...identity, content: 'y' }, take)).rejects.toMatchObject({
      code: 'identity-reused',
      status: 422,
    })
  })

  it.each([
    {
      title: 'when it was refused',
      begin: (ledger: RecentLedger) =>
        ledger.once(identity, () => {
          throw new Error('full')
        }),
    },
    {
      title: 'when Kafka refused it for good',
      begin: async (ledger: RecentLedger) => {
        const { batch, fail } = pendingBatch()
        const asked = ledger.once(identity, () => ({ batch, answer: 'first' }))
        await Promise.all([expect(asked).rejects.toThrow('refused for good'), fail()])
        return asked
      },
    },
  ])('is taken anew $title', async ({ begin }) => {
    const { ledger } = ledgerOf()
    await expect(begin(ledger)).rejects.toThrow()
    const { batch, acknowledge } = pendingBatch()
    await acknowledge()
    expect(await ledger.once(identity, () => ({ batch, answer: 'second' }))).toBe('second')
  })
})

describe('the bounds', () => {
  const done = async (ledger: RecentLedger, id: string): Promise<boolean> => {
    const { batch, acknowledge } = pendingBatch()
    await acknowledge()
    return ledger.once({ ...identity, id }, () => ({ batch, answer: true }))
  }
  const isKnown = async (ledger: RecentLedger, id: string): Promise<boolean> => {
    let known = true
    await ledger
      .once({ ...identity, id }, () => {
        known = false
        throw new Error('not taken')
      })
      .catch(() => undefined)
    return known
  }

  it.each([
    { title: 'as long as it may be', afterMs: 1000, known: true },
    { title: 'no longer', afterMs: 1001, known: false },
  ])('remembers $title', async ({ afterMs, known }) => {
    const { ledger, wait } = ledgerOf()
    await done(ledger, 'a')
    wait(afterMs)
    expect(await isKnown(ledger, 'a')).toBe(known)
  })

  it('forgets the oldest beyond a number', async () => {
    const { ledger } = ledgerOf({ entries: 2 })
    for (const id of ['a', 'b', 'c']) await done(ledger, id)
    expect(ledger.sizes.requests).toBe(2)
    expect(await isKnown(ledger, 'a')).toBe(false)
    expect(await isKnown(ledger, 'b')).toBe(true)
  })

  it('forgets them however many there were', async () => {
    const { ledger } = ledgerOf({ entries: 3 })
    for (let id = 0; id < 5_000; id += 1) await done(ledger, String(id))
    expect(ledger.sizes.requests).toBe(3)
    const known = ['4996', '4997', '4999'].map((id) => isKnown(ledger, id))
    expect(await Promise.all(known)).toEqual([false, true, true])
  })

  it('never forgets what is on its way', async () => {
    const { ledger, wait } = ledgerOf({ entries: 1, ageMs: 1 })
    const { batch, acknowledge } = pendingBatch()
    const asked = ledger.once(identity, () => ({ batch, answer: true }))
    await done(ledger, 'b')
    await done(ledger, 'c')
    wait(1_000_000)
    expect(await isKnown(ledger, 'b')).toBe(false)
    const joined = ledger.once(identity, () => {
      throw new Error('taken twice')
    })
    await acknowledge()
    expect(await Promise.all([asked, joined])).toEqual([true, true])
  })
})

describe('records with an id', () => {
  const record = { topic: 't', partition: 0, key: Buffer.alloc(0), value: Buffer.alloc(0) }
  const identified = (id: string) => ({ id, record: () => record })

  it('are appended once, and waited for wherever they are', async () => {
    const { ledger } = ledgerOf()
    ledger.warm([{ id: 'in the topic', atMs: 0 }])
    const [first, second] = [pendingBatch(), pendingBatch()]
    const one = ledger.appendNew(first.batch, [identified('a'), identified('a')])
    let isDone = false
    const two = ledger
      .appendNew(second.batch, ['in the topic', 'a', 'b'].map(identified))
      .finally(() => {
        isDone = true
      })
    expect(first.append).toHaveBeenCalledTimes(1)
    expect(second.append).toHaveBeenCalledTimes(1)
    await second.acknowledge()
    expect(isDone).toBe(false)
    await first.acknowledge()
    // Each counts where it was appended.
    expect(await Promise.all([one, two])).toEqual([1, 1])
  })
})

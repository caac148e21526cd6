/** Every store, written to a changelog and read back: whatever was flushed is there again. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { avroTypeOf } from '../avro/avro-type.ts'
import { murmur2, murmur2In } from '../record/index.ts'
import { tumbling } from '../topology/windows.ts'
import { CellStore } from './cell-store.ts'
import type { ChangelogEntry, ChangelogWriter, StateStore } from './changelog.ts'
import { KeyTable } from './key-table.ts'
import { RingStore } from './ring-store.ts'
import { RowStore } from './row-store.ts'
import { WindowStore } from './window-store.ts'

/** A compacted changelog: the last entry per key, in order of writing. */
class Changelog implements ChangelogWriter {
  readonly entries: { key: Buffer; body: Buffer | null }[] = []

  write(key: Buffer, start: number, end: number, body: Buffer | null, bodyEnd: number): void {
    this.entries.push({
      key: Buffer.from(key.subarray(start, end)),
      body: body && Buffer.from(body.subarray(0, bodyEnd)),
    })
  }

  compacted(): { key: Buffer; body: Buffer | null }[] {
    const last = new Map(this.entries.map((entry) => [entry.key.toString('hex'), entry]))
    return this.entries.filter((entry) => last.get(entry.key.toString('hex')) === entry)
  }
}

const addKey = (keys: KeyTable, text: string): number => {
  const bytes = Buffer.from(text)
  return keys.add(murmur2(bytes), bytes, 0, bytes.length)
}

const restoreInto = (store: StateStore, keys: KeyTable, log: Changelog, compact: boolean): void => {
  for (let id = 0; id < keys.idBound; id++) store.create(id)
  for (const { key, body } of compact ? log.compacted() : log.entries) {
    const keyEnd = key.length - store.suffixBytes
    const view = new DataView(key.buffer, key.byteOffset)
    const id = keys.find(murmur2In(view, 0, keyEnd), view, 0, keyEnd)
    const entry: ChangelogEntry = {
      key,
      keyStart: 0,
      keyEnd: key.length,
      body: body ?? Buffer.alloc(0),
      bodyStart: body === null ? -1 : 0,
      bodyEnd: body?.length ?? -1,
      writerSchema: store.schema,
    }
    store.restore(id, entry, 0)
  }
  store.markRestored()
}

const compaction = fc.boolean()

describe('row', () => {
  const create = () => new RowStore({ name: 'r', initial: { a: 0, b: Number.NaN } })

  it('comes back, and its changelog is an Avro record', () => {
    const step = fc.record({ key: fc.nat({ max: 3 }), a: fc.double(), flush: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step), compaction, (steps, compact) => {
        const [keys, log, store] = [new KeyTable(), new Changelog(), create()]
        for (let key = 0; key < 4; key++) store.create(addKey(keys, `k${key}`))
        for (const { key, a, flush } of steps) {
          store.select(key)
          store.row.a = a
          if (flush) store.flush(keys, log)
        }
        store.flush(keys, log)
        const again = create()
        restoreInto(again, keys, log, compact)
        for (let key = 0; key < 4; key++) {
          store.select(key)
          again.select(key)
          expect(again.row).toEqual(store.row)
        }
        const type = avroTypeOf(store.schema)
        const bodies = log.entries.map(({ body }) => body ?? Buffer.alloc(0))
        for (const body of bodies) expect(type.isValid(type.fromBuffer(body))).toBe(true)
        const before = log.entries.length
        again.flush(keys, log)
        expect(log.entries).toHaveLength(before)
      }),
    )
  })

  it('reads what an older and a newer version wrote: fields go by name', () => {
    const [keys, log] = [new KeyTable(), new Changelog()]
    const id = addKey(keys, 'k')
    const old = new RowStore({ name: 'r', initial: { gone: 1, b: 2, a: 3 } })
    old.create(id)
    old.flush(keys, log)
    const next = new RowStore({ name: 'r', initial: { a: 0, added: 42, b: 0 } })
    next.create(id)
    const [{ key, body } = { key: Buffer.alloc(0), body: null }] = log.entries
    const bytes = body ?? Buffer.alloc(0)
    const bounds = { keyStart: 0, keyEnd: key.length, bodyStart: 0, bodyEnd: bytes.length }
    next.restore(id, { key, body: bytes, ...bounds, writerSchema: old.schema })
    next.select(id)
    expect({ ...next.row, a: next.row.a, b: next.row.b, added: next.row.added }).toMatchObject({
      a: 3,
      b: 2,
      added: 42,
    })
  })
})

describe('ring', () => {
  it.each([1, 63, 64, 65, 100, 1_000])('of %i keeps the newest, and comes back', (capacity) => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 200 }), { maxLength: 20 }),
        compaction,
        (bursts, compact) => {
          const [keys, log] = [new KeyTable(), new Changelog()]
          const store = new RingStore({ name: 'r', capacity })
          store.create(addKey(keys, 'k'))
          store.select(0)
          let next = 0
          for (const burst of bursts) {
            for (let sample = 0; sample < burst; sample++) store.push(next++)
            store.flush(keys, log)
          }
          const again = new RingStore({ name: 'r', capacity })
          restoreInto(again, keys, log, compact)
          again.select(0)
          for (const ring of [store, again]) {
            expect(ring.total).toBe(next)
            expect(ring.length).toBe(Math.min(capacity, next))
            const held = Array.from({ length: ring.length }, (_, index) => ring.at(index))
            expect(held).toEqual(held.map((_, index) => next - held.length + index))
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('appends to the changelog instead of rewriting itself', () => {
    const [keys, log] = [new KeyTable(), new Changelog()]
    const store = new RingStore({ name: 'r', capacity: 1_000 })
    store.create(addKey(keys, 'k'))
    store.select(0)
    for (let sample = 0; sample < 5_000; sample++) store.push(sample)
    store.flush(keys, log)
    const before = log.entries.length
    store.push(1)
    store.flush(keys, log)
    expect(log.entries.slice(before)).toHaveLength(1)
    expect(log.entries.at(-1)?.body?.length).toBeLessThan(64 * 8 + 12)
  })

  it('is gone after its key was released', () => {
    const [keys, log] = [new KeyTable(), new Changelog()]
    const store = new RingStore({ name: 'r', capacity: 100 })
    store.create(addKey(keys, 'k'))
    store.select(0)
    for (let sample = 0; sample < 200; sample++) store.push(sample)
    store.flush(keys, log)
    store.release(0, keys, log)
    store.create(0)
    store.select(0)
    store.push(7)
    store.flush(keys, log)
    const again = new RingStore({ name: 'r', capacity: 100 })
    restoreInto(again, keys, log, true)
    again.select(0)
    expect([again.length, again.total, again.at(0)]).toEqual([1, 1, 7])
  })
})

describe('a ring whose capacity changed', () => {
  const sizes = fc.constantFrom(1, 64, 65, 100, 200, 1_000)

  it('goes on with the newest samples there are, and leaves nothing behind', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(sizes, fc.nat({ max: 300 })), { minLength: 1, maxLength: 6 }),
        compaction,
        (versions, compact) => {
          const [keys, log] = [new KeyTable(), new Changelog()]
          addKey(keys, 'k')
          let next = 0
          let kept = Infinity
          let store = new RingStore({ name: 'r', capacity: 1 })
          for (const [capacity, samples] of versions) {
            store = new RingStore({ name: 'r', capacity })
            restoreInto(store, keys, log, compact)
            store.select(0)
            for (let sample = 0; sample < samples; sample++) store.push(next++)
            kept = Math.min(capacity, kept + samples)
            store.flush(keys, log)
            expect(store.total).toBe(next)
            const sure = Math.min(kept, next)
            expect(store.length).toBeGreaterThanOrEqual(sure)
            for (let back = 1; back <= store.length; back++) {
              expect(store.at(store.length - back)).toBe(next - back)
            }
          }
          store.release(0, keys, log)
          expect(log.compacted().filter(({ body }) => body !== null)).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('cell', () => {
  const schema = { type: 'record', name: 'C', fields: [{ name: 'text', type: 'string' }] }

  it('comes back, or stays away', () => {
    const text = fc.option(fc.string({ maxLength: 3_000 }), { nil: undefined })
    fc.assert(
      fc.property(fc.array(text), compaction, (texts, compact) => {
        const [keys, log] = [new KeyTable(), new Changelog()]
        const store = new CellStore<{ text: string }>({ name: 'c', schema })
        store.create(addKey(keys, 'k'))
        store.select(0)
        for (const value of texts) {
          store.set(value === undefined ? undefined : { text: value })
          store.flush(keys, log)
        }
        const again = new CellStore<{ text: string }>({ name: 'c', schema })
        restoreInto(again, keys, log, compact)
        again.select(0)
        expect(again.get()?.text).toBe(texts.at(-1))
      }),
      { numRuns: 50 },
    )
  })
})

describe('windows', () => {
  const window = tumbling({ sizeMs: 10, graceMs: 5 })
  const create = () => new WindowStore({ name: 'w', window, initial: { count: 0 } })

  it('come back open as they were, closed ones do not', () => {
    const step = fc.record({
      key: fc.nat({ max: 2 }),
      start: fc.nat({ max: 5 }).map((index) => index * 10),
      close: fc.boolean(),
      flush: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step), compaction, (steps, compact) => {
        const [keys, log, store] = [new KeyTable(), new Changelog(), create()]
        for (let key = 0; key < 3; key++) store.create(addKey(keys, `k${key}`))
        const model = new Map<string, number>()
        for (const { key, start, close, flush } of steps) {
          const slot = store.open(key, 0, start)
          store.row['count'] = (store.row['count'] ?? 0) + 1
          const name = `${key}/${start}`
          model.set(name, (model.get(name) ?? 0) + 1)
          if (close) {
            store.close({ slot, tenant: 0, keys, out: log })
            model.delete(name)
          }
          if (flush) store.flush(keys, log)
        }
        store.flush(keys, log)
        const again = create()
        restoreInto(again, keys, log, compact)
        for (const each of [store, again]) {
          expect(each.openWindows).toBe(model.size)
          expect(closeByDueTime(each, keys)).toEqual(model)
          expect(each.openWindows).toBe(0)
        }
      }),
    )
  })

  it.each([
    {
      title: 'one that opens and closes between two commits leaves nothing',
      flush: false,
      entries: 0,
    },
    { title: 'one that a commit has written is deleted there', flush: true, entries: 2 },
  ])('in the changelog, $title', ({ flush, entries }) => {
    const [keys, log, store] = [new KeyTable(), new Changelog(), create()]
    store.create(addKey(keys, 'k'))
    const slot = store.open(0, 0, 10)
    if (flush) store.flush(keys, log)
    store.close({ slot, tenant: 0, keys, out: log })
    store.flush(keys, log)
    expect(log.entries).toHaveLength(entries)
  })

  /** W1: whatever is open is found by its due time. */
  const closeByDueTime = (store: WindowStore, keys: KeyTable): Map<string, number> => {
    const found = new Map<string, number>()
    for (const dueAtMs of store.due.dueTimes(0, Infinity)) {
      for (;;) {
        const slot = store.due.first(0, dueAtMs)
        if (slot < 0) break
        expect(store.dueAtMs(slot)).toBe(dueAtMs)
        store.selectSlot(slot)
        found.set(`${store.keyOf(slot)}/${store.startMsOf(slot)}`, store.row['count'] ?? -1)
        store.close({ slot, tenant: 0, keys, out: new Changelog() })
      }
    }
    return found
  }
})

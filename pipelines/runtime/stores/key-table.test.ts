import fc from 'fast-check'
import { expect, it } from 'vitest'
import { murmur2 } from '../record/index.ts'
import { KeyTable } from './key-table.ts'

const bytesOf = (key: string) => Buffer.from(key)
const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset)
const find = (table: KeyTable, bytes: Buffer) =>
  table.find(murmur2(bytes), viewOf(bytes), 0, bytes.length)

it('behaves as a map from key to id under adds and deletes', () => {
  const step = fc.record({ key: fc.string({ maxLength: 5 }), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new KeyTable()
      const model = new Map<string, number>()
      let before = -1
      for (const { key, remove } of steps) {
        const bytes = bytesOf(key)
        const id = find(table, bytes)
        expect(id).toBe(model.get(key) ?? -1)
        if (before >= 0) {
          const after = table.findAfter(before, viewOf(bytes), 0, bytes.length)
          if (after >= 0) expect(after).toBe(id)
        }
        if (before >= 0 && id >= 0) {
          table.noteAfter(before, id)
          expect(table.findAfter(before, viewOf(bytes), 0, bytes.length)).toBe(id)
        }
        before = id
        if (id < 0) model.set(key, table.add(murmur2(bytes), bytes, 0, bytes.length))
        else if (remove) {
          table.delete(id)
          model.delete(key)
        }
      }
      expect(table.size).toBe(model.size)
      for (const [key, id] of model) expect(table.textOf(id)).toBe(key)
    }),
  )
})

it('keeps every key while it grows, and gives back the room of deleted ones', () => {
  const table = new KeyTable()
  const key = (index: number) => bytesOf(`series-${index}-${'x'.repeat(index % 90)}`)
  const add = (index: number) => {
    const bytes = key(index)
    return table.add(murmur2(bytes), bytes, 0, bytes.length)
  }
  const ids = Array.from({ length: 40_000 }, (_, index) => add(index))
  for (let index = 0; index < 40_000; index++) if (index % 10 !== 0) table.delete(ids[index] ?? -1)
  // Ids and arena are used again: as many new keys fit below the old bound.
  for (let index = 0; index < 36_000; index++) add(50_000 + index)
  expect(table.idBound).toBe(40_000)
  for (let index = 0; index < 40_000; index += 10) {
    const bytes = key(index)
    expect(find(table, bytes)).toBe(ids[index])
  }
})

it('keeps an empty key that comes when a chunk is full to the last byte', () => {
  const table = new KeyTable()
  for (let index = 0; index < 16; index++) table.add(index, Buffer.alloc(64_000, index), 0, 64_000)
  table.add(16, Buffer.alloc(1_048_576 - 16 * 64_000), 0, 1_048_576 - 16 * 64_000)
  const empty = table.add(17, Buffer.alloc(0), 0, 0)
  expect(table.textOf(empty)).toBe('')
})

it('refuses a key that is longer than it can note', () => {
  const bytes = Buffer.alloc(70_000)
  expect(() => new KeyTable().add(0, bytes, 0, bytes.length)).toThrow(/70000 bytes/)
})

it('finds the key that came after another one, and no other that has its id by now', () => {
  const table = new KeyTable()
  const add = (key: string) => {
    const bytes = bytesOf(key)
    return table.add(murmur2(bytes), bytes, 0, bytes.length)
  }
  const findAfter = (id: number, key: string) =>
    table.findAfter(id, viewOf(bytesOf(key)), 0, key.length)
  const [a, b] = [add('a'), add('b')]
  table.noteAfter(a, b)
  expect(findAfter(a, 'b')).toBe(b)
  expect(findAfter(a, 'c')).toBe(-1)
  table.delete(b)
  expect(findAfter(a, 'b')).toBe(-1)
  expect(add('c')).toBe(b)
  expect(findAfter(a, 'b')).toBe(-1)
  expect(findAfter(a, 'c')).toBe(b)
})

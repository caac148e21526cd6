import fc from 'fast-check'
import { expect, it } from 'vitest'
import { murmur2 } from '../record/index.ts'
import { KeyTable } from './key-table.ts'

const bytesOf = (key: string) => Buffer.from(key)
const find = (table: KeyTable, bytes: Buffer) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return table.find(murmur2(bytes), view, 0, bytes.length)
}

it('behaves as a map from key to id under adds and deletes', () => {
  const step = fc.record({ key: fc.string({ maxLength: 5 }), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new KeyTable()
      const model = new Map<string, number>()
      for (const { key, remove } of steps) {
        const bytes = bytesOf(key)
        const id = find(table, bytes)
        expect(id).toBe(model.get(key) ?? -1)
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

it('refuses a key that is longer than it can note', () => {
  const bytes = Buffer.alloc(70_000)
  expect(() => new KeyTable().add(0, bytes, 0, bytes.length)).toThrow(/70000 bytes/)
})

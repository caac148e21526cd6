/**
 * Rows of doubles in flat memory, indexed by a dense id.
 *
 * A row is `fields.length` doubles in the order of the fields. Little-endian doubles are what Avro
 * writes for a record of `double` fields, so a row's bytes *are* its changelog body (invariant R1).
 * Chunks of 4,096 rows keep growth from copying, and from doubling the memory while it does.
 */

import { DirtyIds } from './dirty-ids.ts'

const CHUNK_ROW_BITS = 12
const CHUNK_ROWS = 1 << CHUNK_ROW_BITS
const CHUNK_ROW_MASK = CHUNK_ROWS - 1

/** A cursor with one mutable number per field; moved from row to row, never kept. */
export type RowView<Field extends string> = { [name in Field]: number }

class Cursor {
  chunk: Float64Array = new Float64Array(0)
  base = 0
  id = -1
}

export class RowTable<Field extends string> {
  readonly fields: readonly Field[]
  readonly row: RowView<Field>
  readonly dirty = new DirtyIds()
  readonly #initial: Float64Array
  readonly #stride: number
  readonly #chunks: Float64Array[] = []
  readonly #bytes: Buffer[] = []
  readonly #cursor: Cursor

  /** `initial` gives the fields, in order, with the values of a fresh row. */
  constructor(initial: Readonly<Record<Field, number>>) {
    this.fields = Object.keys(initial) as Field[]
    this.#initial = Float64Array.from(this.fields, (field) => initial[field])
    this.#stride = this.fields.length
    this.#cursor = cursorOver(this.fields, this.dirty)
    this.row = this.#cursor as unknown as RowView<Field>
  }

  /** Bytes of a row, as in the changelog. */
  get rowBytes(): number {
    return this.#stride * 8
  }

  /** Makes `id` a row with the initial values. */
  create(id: number): void {
    while (this.#chunks.length <= id >>> CHUNK_ROW_BITS) {
      const chunk = new Float64Array(CHUNK_ROWS * this.#stride)
      this.#chunks.push(chunk)
      this.#bytes.push(Buffer.from(chunk.buffer))
    }
    const chunk = this.#chunks[id >>> CHUNK_ROW_BITS] as Float64Array
    chunk.set(this.#initial, (id & CHUNK_ROW_MASK) * this.#stride)
  }

  /** Points `row` at the row of `id`. */
  select(id: number): void {
    const cursor = this.#cursor
    cursor.id = id
    cursor.chunk = this.#chunks[id >>> CHUNK_ROW_BITS] as Float64Array
    cursor.base = (id & CHUNK_ROW_MASK) * this.#stride
  }

  read(id: number, fieldIndex: number): number {
    const chunk = this.#chunks[id >>> CHUNK_ROW_BITS] as Float64Array
    return chunk[(id & CHUNK_ROW_MASK) * this.#stride + fieldIndex] as number
  }

  write(id: number, fieldIndex: number, value: number): void {
    const chunk = this.#chunks[id >>> CHUNK_ROW_BITS] as Float64Array
    chunk[(id & CHUNK_ROW_MASK) * this.#stride + fieldIndex] = value
  }

  /** Copies the row's bytes (R1) to `target` at `offset`; returns the end. */
  copyBytes(id: number, target: Buffer, offset: number): number {
    const start = (id & CHUNK_ROW_MASK) * this.#stride * 8
    const bytes = this.#bytes[id >>> CHUNK_ROW_BITS] as Buffer
    return offset + bytes.copy(target, offset, start, start + this.#stride * 8)
  }
}

/** A cursor class of its own per table keeps the accessors monomorphic. */
const cursorOver = (fields: readonly string[], dirty: DirtyIds): Cursor => {
  class FieldCursor extends Cursor {}
  fields.forEach((field, index) => {
    Object.defineProperty(FieldCursor.prototype, field, {
      get(this: FieldCursor): number {
        return this.chunk[this.base + index] as number
      },
      set(this: FieldCursor, value: number): void {
        this.chunk[this.base + index] = value
        dirty.add(this.id)
      },
      enumerable: true,
    })
  })
  return new FieldCursor()
}

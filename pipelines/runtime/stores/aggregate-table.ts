/**
 * What windows hold: per slot a row of numbers and optionally an Avro value, with the changelog body
 * of both. The body is the row's doubles (R1), then the value as field `_cell`.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import { CellTable, type Cell } from './cell-store.ts'
import type { ChangelogEntry } from './changelog.ts'
import { RowTable, type RowView } from './row-table.ts'
import { rowSchema } from './row-store.ts'

const CELL_FIELD = '_cell'

export interface AggregateOptions {
  readonly name: string
  readonly initial: Readonly<Record<string, number>>
  readonly cell?: { readonly schema: AvroSchema; readonly empty: () => unknown } | undefined
}

export class AggregateTable {
  readonly rows: RowTable<string>
  readonly row: RowView<string>
  readonly cell: Cell<unknown>
  readonly schema: AvroSchema
  readonly #cells: CellTable<unknown> | undefined
  readonly #emptyCell: (() => unknown) | undefined
  #body = Buffer.alloc(512)
  #selectedSlot = -1

  constructor(options: AggregateOptions) {
    this.rows = new RowTable(options.initial)
    this.row = this.rows.row
    this.#cells = options.cell && new CellTable(options.cell.schema)
    this.#emptyCell = options.cell?.empty
    this.schema = aggregateSchema(options)
    this.cell = {
      get: () => this.#cells?.get(this.#selectedSlot),
      set: (value) => {
        this.#cells?.set(this.#selectedSlot, value)
        this.rows.dirty.add(this.#selectedSlot)
      },
    }
  }

  /** Makes the slot an empty aggregate that is due for the changelog. */
  create(slot: number): void {
    this.rows.create(slot)
    if (this.#emptyCell) this.#cells?.set(slot, this.#emptyCell())
    this.rows.dirty.add(slot)
  }

  select(slot: number): void {
    this.#selectedSlot = slot
    this.rows.select(slot)
  }

  forget(slot: number): void {
    this.#cells?.forget(slot)
  }

  /** Copies the slot's aggregate from another table of the same kind. */
  copyFrom(other: AggregateTable, from: number, to: number): void {
    this.create(to)
    for (const index of this.rows.fields.keys()) {
      this.rows.write(to, index, other.rows.read(from, index))
    }
    this.#cells?.set(to, other.#cells?.get(from))
  }

  /** The slot's changelog body, in a buffer that is reused by the next call. */
  encode(slot: number): { body: Buffer; end: number } {
    const { rowBytes } = this.rows
    if (this.#body.length < rowBytes) this.#body = Buffer.alloc(rowBytes)
    const rowEnd = this.rows.copyBytes(slot, this.#body, 0)
    if (!this.#cells) return { body: this.#body, end: rowEnd }
    const { body, end } = this.#cells.encode(slot)
    if (this.#body.length < rowEnd + end) {
      const grown = Buffer.alloc((rowEnd + end) * 2)
      this.#body.copy(grown, 0, 0, rowEnd)
      this.#body = grown
    }
    body.copy(this.#body, rowEnd, 0, end)
    return { body: this.#body, end: rowEnd + end }
  }

  /** Fields go by name: what the entry lacks is as `create` makes it, removed ones are passed over. */
  decode(slot: number, entry: ChangelogEntry): void {
    this.create(slot)
    const { fields } = entry.writerSchema as { fields: { name: string; type: AvroSchema }[] }
    const numbers = fields.filter(({ name }) => name !== CELL_FIELD)
    numbers.forEach(({ name }, index) => {
      const column = this.rows.fields.indexOf(name)
      if (column < 0) return
      this.rows.write(slot, column, entry.body.readDoubleLE(entry.bodyStart + index * 8))
    })
    const cell = fields.find(({ name }) => name === CELL_FIELD)
    if (cell && this.#cells) {
      const cellEntry = { ...entry, writerSchema: cell.type }
      this.#cells.decode(slot, cellEntry, entry.bodyStart + numbers.length * 8)
    }
  }

  markRestored(): void {
    this.rows.dirty.clear()
    this.#cells?.dirty.clear()
  }
}

const aggregateSchema = ({ name, initial, cell }: AggregateOptions): AvroSchema => {
  const schema = rowSchema(name, initial) as { fields: unknown[] }
  if (!cell) return schema
  return { ...schema, fields: [...schema.fields, { name: CELL_FIELD, type: cell.schema }] }
}

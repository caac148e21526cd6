/**
 * A `row` of a pipeline: numbers per key in flat memory.
 *
 * A changed state schema keeps working: fields are matched by name, new ones start at their
 * initial value, removed ones are forgotten (Avro's resolution for records of doubles).
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import type { ChangelogEntry, ChangelogWriter, KeyedStore } from './changelog.ts'
import type { KeyTable } from './key-table.ts'
import { RowTable, type RowView } from './row-table.ts'

export class RowStore<Field extends string = string> implements KeyedStore {
  readonly name: string
  readonly schema: AvroSchema
  readonly table: RowTable<Field>
  readonly suffixBytes = 0
  readonly #scratch: Buffer
  readonly #layouts = new Map<AvroSchema, Int32Array>()

  constructor(options: { name: string; initial: Readonly<Record<Field, number>> }) {
    this.name = options.name
    this.table = new RowTable(options.initial)
    this.schema = rowSchema(options.name, options.initial)
    this.#scratch = Buffer.alloc(this.table.rowBytes)
  }

  get row(): RowView<Field> {
    return this.table.row
  }

  create(id: number): void {
    this.table.create(id)
    this.table.dirty.add(id)
  }

  release(id: number, keys: KeyTable, out: ChangelogWriter): void {
    const start = keys.startOf(id)
    out.write(keys.bufferOf(id), start, start + keys.lengthOf(id), null, 0)
  }

  select(id: number): void {
    this.table.select(id)
  }

  flush(keys: KeyTable, out: ChangelogWriter): void {
    const { table } = this
    table.dirty.drain((id) => {
      if (!keys.isLive(id)) return
      const start = keys.startOf(id)
      const end = table.copyBytes(id, this.#scratch, 0)
      out.write(keys.bufferOf(id), start, start + keys.lengthOf(id), this.#scratch, end)
    })
  }

  restore(id: number, entry: ChangelogEntry): void {
    const layout = this.#layoutOf(entry.writerSchema)
    // What the entry lacks is not to be taken from an older one, which compaction may have removed.
    this.table.create(id)
    for (let index = 0; index < layout.length; index++) {
      const field = layout[index] as number
      if (field >= 0) {
        this.table.write(id, field, entry.body.readDoubleLE(entry.bodyStart + index * 8))
      }
    }
  }

  markRestored(): void {
    this.table.dirty.clear()
  }

  /** Column of each field of the writer's schema, or -1 where this version has none. */
  #layoutOf(writerSchema: AvroSchema): Int32Array {
    let layout = this.#layouts.get(writerSchema)
    if (layout === undefined) {
      const { fields } = writerSchema as { fields: { name: string; type: string }[] }
      layout = Int32Array.from(fields, ({ name }) => this.table.fields.indexOf(name as Field))
      this.#layouts.set(writerSchema, layout)
    }
    return layout
  }
}

/** The Avro record whose body is a row's bytes: doubles only, in the order of the fields. */
export const rowSchema = (name: string, initial: Readonly<Record<string, number>>): AvroSchema => ({
  type: 'record',
  name: `${name}_row`,
  namespace: 'millrace.state',
  fields: Object.entries(initial).map(([field, value]) => ({
    name: field,
    type: 'double',
    // JSON has no NaN: a field that starts as one is only ever absent from older versions.
    default: Number.isFinite(value) ? value : 0,
  })),
})

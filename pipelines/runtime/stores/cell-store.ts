/**
 * A `cell` of a pipeline: one Avro value per key, or nothing.
 *
 * For state that is not just numbers. The value is a plain object that the pipeline replaces (or
 * changes and sets again); `set` is what marks it for the changelog.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import { avroTypeOf, type AvroType } from '../avro/avro-type.ts'
import type { ChangelogEntry, ChangelogWriter, KeyedStore } from './changelog.ts'
import { DirtyIds } from './dirty-ids.ts'
import type { KeyTable } from './key-table.ts'

export interface Cell<Value> {
  get(): Value | undefined
  set(value: Value | undefined): void
}

/** Values of an Avro schema by dense id, with the bytes that a changelog needs. */
export class CellTable<Value> {
  readonly dirty = new DirtyIds()
  readonly #values: (Value | undefined)[] = []
  readonly #type: AvroType
  readonly #resolvers = new Map<AvroSchema, ReturnType<AvroType['createResolver']>>()
  #scratch = Buffer.alloc(1024)

  constructor(schema: AvroSchema) {
    this.#type = avroTypeOf(schema)
  }

  get(id: number): Value | undefined {
    return this.#values[id]
  }

  set(id: number, value: Value | undefined): void {
    this.#values[id] = value
    this.dirty.add(id)
  }

  /** Forgets without a trace in the changelog. */
  forget(id: number): void {
    this.#values[id] = undefined
  }

  /** The value's Avro body from `offset` on, in a buffer that is reused by the next call. */
  encode(id: number, offset = 0): { body: Buffer; end: number } {
    for (;;) {
      const end = this.#type.encode(this.#values[id], this.#scratch, offset)
      if (end >= 0) return { body: this.#scratch, end }
      this.#scratch = Buffer.alloc(Math.max(this.#scratch.length, -end) * 2)
    }
  }

  decode(id: number, entry: ChangelogEntry, bodyStart = entry.bodyStart): void {
    const body = entry.body.subarray(bodyStart, entry.bodyEnd)
    this.#values[id] = this.#type.fromBuffer(body, this.#resolverFor(entry.writerSchema)) as Value
  }

  #resolverFor(writerSchema: AvroSchema): ReturnType<AvroType['createResolver']> {
    let resolver = this.#resolvers.get(writerSchema)
    if (resolver === undefined) {
      resolver = this.#type.createResolver(avroTypeOf(writerSchema))
      this.#resolvers.set(writerSchema, resolver)
    }
    return resolver
  }
}

export class CellStore<Value = unknown> implements KeyedStore, Cell<Value> {
  readonly name: string
  readonly schema: AvroSchema
  readonly suffixBytes = 0
  readonly #table: CellTable<Value>
  #selectedId = -1

  constructor(options: { name: string; schema: AvroSchema }) {
    this.name = options.name
    this.schema = options.schema
    this.#table = new CellTable(options.schema)
  }

  get(): Value | undefined {
    return this.#table.get(this.#selectedId)
  }

  set(value: Value | undefined): void {
    this.#table.set(this.#selectedId, value)
  }

  create(id: number): void {
    this.#table.forget(id)
  }

  select(id: number): void {
    this.#selectedId = id
  }

  release(id: number, keys: KeyTable, out: ChangelogWriter): void {
    // One that was emptied since the last flush still stands in the changelog.
    const written = this.#table.get(id) !== undefined || this.#table.dirty.has(id)
    if (written) this.#write(id, keys, out, null)
    this.#table.forget(id)
  }

  flush(keys: KeyTable, out: ChangelogWriter): void {
    this.#table.dirty.drain((id) => {
      if (!keys.isLive(id)) return
      const encoded = this.#table.get(id) === undefined ? null : this.#table.encode(id)
      this.#write(id, keys, out, encoded)
    })
  }

  restore(id: number, entry: ChangelogEntry): void {
    if (entry.bodyStart < 0) this.#table.forget(id)
    else this.#table.decode(id, entry)
  }

  markRestored(): void {
    this.#table.dirty.clear()
  }

  #write(
    id: number,
    keys: KeyTable,
    out: ChangelogWriter,
    encoded: { body: Buffer; end: number } | null,
  ): void {
    const start = keys.startOf(id)
    const end = start + keys.lengthOf(id)
    out.write(keys.bufferOf(id), start, end, encoded?.body ?? null, encoded?.end ?? 0)
  }
}

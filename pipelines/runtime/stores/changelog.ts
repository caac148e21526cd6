/**
 * What stores write to, and are rebuilt from.
 *
 * A changelog key is the record key's bytes, followed by a fixed-size suffix where one key has
 * several entries (a ring segment, a window). A value is Avro in the Confluent wire format.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import type { KeyTable } from './key-table.ts'

/** Receives the entries of one store. Bytes are copied before the call returns. */
export interface ChangelogWriter {
  /** `body` is the Avro body without wire-format header, or null to delete the entry. */
  write(key: Buffer, keyStart: number, keyEnd: number, body: Buffer | null, bodyEnd: number): void
}

/** One entry read back; `body` without wire-format header; `bodyStart` -1 marks a deletion. */
export interface ChangelogEntry {
  readonly key: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly body: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
  /** The schema the body was written with. */
  readonly writerSchema: AvroSchema
}

/** State of every key of a task, of one kind. */
export interface StateStore {
  readonly name: string
  /** Schema of the changelog's values. */
  readonly schema: AvroSchema
  /** A key appears. */
  create(id: number): void
  /** The key goes away: deletes its entries from the changelog. */
  release(id: number, keys: KeyTable, out: ChangelogWriter, tenant: number): void
  /** Writes everything that changed since the last flush. */
  flush(keys: KeyTable, out: ChangelogWriter): void
  /** Bytes of the key suffix in this store's changelog. */
  readonly suffixBytes: number
  restore(id: number, entry: ChangelogEntry, tenant: number): void
  /** What was restored stands in the changelog already. */
  markRestored(): void
}

/** One that holds one thing per key; windows are selected by themselves. */
export interface KeyedStore extends StateStore {
  /** The key the pipeline works on now. */
  select(id: number): void
}

/** Builds changelog keys: the key's bytes with room for a suffix behind. */
export class SuffixedKey {
  bytes: Buffer = Buffer.alloc(256)
  #keyLength = 0
  readonly #suffixBytes: number

  constructor(suffixBytes: number) {
    this.#suffixBytes = suffixBytes
  }

  get length(): number {
    return this.#keyLength + this.#suffixBytes
  }

  /** Copies the key of `id`; the suffix is to be written at the returned offset. */
  start(keys: KeyTable, id: number): number {
    const length = keys.lengthOf(id)
    if (this.bytes.length < length + this.#suffixBytes) {
      this.bytes = Buffer.alloc((length + this.#suffixBytes) * 2)
    }
    const start = keys.startOf(id)
    keys.bufferOf(id).copy(this.bytes, 0, start, start + length)
    this.#keyLength = length
    return length
  }
}

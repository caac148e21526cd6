/**
 * Rebuilds a task's state from its changelogs: the task's own first, then the home row, which makes
 * the keys, then every other store. Entries of keys that the home row no longer has are leftovers.
 *
 * Several entries of one key in a changelog are applied in order; the last one holds.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import { createRecordDecoder, type RecordDecoder } from '../avro/record-codec.ts'
import { schemaIdAt, WIRE_HEADER_BYTES } from '../avro/wire-format.ts'
import { RuntimeError, textOf } from '../errors.ts'
import { murmur2In, type RecordSet } from '../record/index.ts'
import type { ChangelogEntry, StateStore } from '../stores/changelog.ts'
import { taskStateSchema, type TaskState } from '../topology/internal-schemas.ts'
import { TASK_STORE } from '../topology/store-names.ts'
import { checkTopology } from '../topology/topology-record.ts'
import { GLOBALS_KEY, tenantNumber } from './internal-records.ts'
import type { SchemaSource } from './record-values.ts'
import type { Task } from './task.ts'

export class TaskRestore {
  /** Stores in the order in which they are to be restored. */
  readonly stores: readonly string[]
  entries = 0
  readonly #task: Task
  readonly #schemas: SchemaSource
  readonly #partitions: number
  /** Latest task state by key: of the global tables, each tenant, each input, and the topology. */
  readonly #states = new Map<string, TaskState>()
  readonly #decoders = new Map<AvroSchema, RecordDecoder<TaskState>>()
  /** Entries of stores that begin empty, by store and key: what an earlier version left there. */
  readonly #leftovers = new Map<string, Map<string, Buffer>>()
  #settled = false
  /** Key of the entry before, or -1. */
  #lastId = -1
  /** The record at hand waits for its schema: do not move the cursor on. */
  #waiting = false

  constructor(options: {
    readonly task: Task
    readonly schemas: SchemaSource
    readonly partitions: number
  }) {
    this.#task = options.task
    this.#schemas = options.schemas
    this.#partitions = options.partitions
    this.stores = [TASK_STORE, ...options.task.keySpace.stores.map(({ name }) => name)]
  }

  /** Offset to go on from in a global table's partition. */
  globalOffset(topic: string, partition: number): number {
    for (const { globals } of this.#states.values()) {
      const found = globals.find((at) => at.topic === topic && at.partition === partition)
      if (found !== undefined) return found.offset
    }
    return 0
  }

  /**
   * Applies fetched entries of one store. Returns -1 when all are applied, or the id of a schema to
   * look up before calling again with the same records.
   *
   * @throws RuntimeError TOPOLOGY_PARTITIONS_CHANGED, TOPOLOGY_CHANGED, STATE_UNREADABLE
   */
  apply(store: string, records: RecordSet): number {
    while (this.#waiting || records.next()) {
      this.#waiting = false
      const missing = this.#applyOne(store, records)
      if (missing >= 0) {
        this.#waiting = true
        return missing
      }
      this.entries += 1
    }
    return -1
  }

  /** All stores are restored. */
  finish(): void {
    this.#settleTask()
    this.#task.settleRestored()
    for (const [store, keys] of this.#leftovers) {
      for (const key of keys.values()) this.#task.deleteLeftover(store, key)
    }
  }

  #applyOne(store: string, records: RecordSet): number {
    if (records.fault !== undefined) throw this.#unreadable(store, records, records.fault)
    let writerSchema: AvroSchema = 'null'
    let bodyStart = -1
    if (records.valueStart >= 0) {
      const id = schemaIdAt(records.buffer, records.valueStart, records.valueEnd)
      const schema = id < 0 ? 'unknown' : this.#schemas.schemaOf(id)
      if (schema === undefined) return id
      if (schema === 'unknown') throw this.#unreadable(store, records, `schema id ${id} is unknown`)
      writerSchema = schema
      bodyStart = records.valueStart + WIRE_HEADER_BYTES
    }
    const entry: ChangelogEntry = {
      key: records.buffer,
      keyStart: records.keyStart,
      keyEnd: records.keyEnd,
      body: records.buffer,
      bodyStart,
      bodyEnd: records.valueEnd,
      writerSchema,
    }
    try {
      if (store === TASK_STORE) this.#restoreTaskState(entry)
      else this.#restoreEntry(store, entry, records.view)
    } catch (error) {
      if (error instanceof RuntimeError) throw error
      throw this.#unreadable(store, records, textOf(error))
    }
    return -1
  }

  #restoreTaskState(entry: ChangelogEntry): void {
    const { body, bodyStart, bodyEnd } = entry
    const state = this.#decoderOf(entry.writerSchema).decode(body, bodyStart, bodyEnd)
    if (state.partitions !== this.#partitions) {
      throw new RuntimeError(
        'TOPOLOGY_PARTITIONS_CHANGED',
        `State of pipeline '${this.#task.pipeline.name}' was written with ${state.partitions} partitions, ` +
          `its topics now have ${this.#partitions}; run it under a new application id, or restore the topics`,
      )
    }
    this.#task.lineage.restore(state)
    this.#states.set(entry.key.toString('utf8', entry.keyStart, entry.keyEnd), state)
  }

  #decoderOf(writerSchema: AvroSchema): RecordDecoder<TaskState> {
    let decoder = this.#decoders.get(writerSchema)
    if (decoder === undefined) {
      decoder = createRecordDecoder<TaskState>({ writerSchema, readerSchema: taskStateSchema })
      this.#decoders.set(writerSchema, decoder)
    }
    return decoder
  }

  #restoreEntry(storeName: string, entry: ChangelogEntry, key: DataView): void {
    this.#settleTask()
    if (this.#task.lineage.isNew(storeName)) {
      this.#noteLeftover(storeName, entry)
      return
    }
    const { keySpace } = this.#task
    const store = keySpace.stores.find(({ name }) => name === storeName) as StateStore
    const keyEnd = entry.keyEnd - store.suffixBytes
    let id = this.#find(key, entry.keyStart, keyEnd)
    if (storeName === keySpace.homeStoreName) {
      if (entry.bodyStart < 0) {
        if (id >= 0) keySpace.drop(id)
        return
      }
      if (id < 0) {
        const hash = murmur2In(key, entry.keyStart, keyEnd)
        id = keySpace.add({ hash, bytes: entry.key, start: entry.keyStart, end: keyEnd, tenant: 0 })
      }
    } else if (id < 0) return
    if (this.#lastId >= 0) keySpace.keys.noteAfter(this.#lastId, id)
    this.#lastId = id
    store.restore(id, entry, keySpace.tenantOf(id))
  }

  /** Changelogs tell of their keys in the order in which the keys appeared, again and again. */
  #find(view: DataView, start: number, end: number): number {
    const { keys } = this.#task.keySpace
    const next = this.#lastId < 0 ? -1 : keys.findAfter(this.#lastId, view, start, end)
    return next >= 0 ? next : keys.find(murmur2In(view, start, end), view, start, end)
  }

  #noteLeftover(store: string, { key, keyStart, keyEnd, bodyStart }: ChangelogEntry): void {
    let keys = this.#leftovers.get(store)
    if (keys === undefined) this.#leftovers.set(store, (keys = new Map<string, Buffer>()))
    const id = key.toString('hex', keyStart, keyEnd)
    if (bodyStart < 0) keys.delete(id)
    else keys.set(id, Buffer.from(key.subarray(keyStart, keyEnd)))
  }

  /** What built the state must fit; and rows refer to tenants by index: the names come first. */
  #settleTask(): void {
    if (this.#settled) return
    this.#settled = true
    const { clocks, lineage, pipeline } = this.#task
    if (lineage.recorded !== null) checkTopology(lineage.recorded, pipeline)
    for (const name of this.#tenantsTogether()) clocks.indexOf(name)
    for (const { tenants } of this.#tenantStates()) for (const name of tenants) clocks.indexOf(name)
    for (const state of this.#states.values()) {
      for (const { tenant, origin, timestamp } of state.clocks) {
        clocks.advance(tenant, origin, timestamp)
      }
    }
    // Tenants that stand in one record, as they first did, are written again on their own.
    if (this.#tenantsTogether().length === 0) clocks.dirty.clear()
  }

  #tenantsTogether(): readonly string[] {
    return this.#states.get(GLOBALS_KEY)?.tenants ?? []
  }

  /** In the order of their numbers. */
  #tenantStates(): TaskState[] {
    const numbered = [...this.#states].flatMap(([key, state]) => {
      const number = tenantNumber(key)
      return number === undefined ? [] : [{ number, state }]
    })
    return numbered.sort((a, b) => a.number - b.number).map(({ state }) => state)
  }

  #unreadable(store: string, records: RecordSet, fact: string): RuntimeError {
    return new RuntimeError(
      'STATE_UNREADABLE',
      `Changelog of store '${store}' of pipeline '${this.#task.pipeline.name}', partition ` +
        `${this.#task.partition}, offset ${records.offset} cannot be read: ${fact}`,
    )
  }
}

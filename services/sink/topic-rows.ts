/**
 * Kafka records of one topic -> rows of its table, whatever schemas their writers used.
 *
 * Synchronous, since almost every schema is known: `needs-schema` asks the caller to look one up
 * (`pendingSchemaId`) and to come back with the same record.
 */
import { schemaIdAt, WIRE_HEADER_BYTES } from '../../pipelines/runtime/avro/index.ts'
import { UNKNOWN_SCHEMA, type SchemaRegistryClient } from '../../pipelines/runtime/kafka/index.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import { createRowEncoder, misfitOf, type Misfit, type RowEncoder } from './row-encoder.ts'
import type { RowWriter } from './row-writer.ts'
import type { SinkTable } from './tables.ts'

export type WriterSchemas = Pick<SchemaRegistryClient, 'schemaOf' | 'lookUp'>

/** `skipped`: a tombstone of a compacted topic, which says nothing about the past. */
export type RowOutcome = 'row' | 'skipped' | 'needs-schema' | Misfit

const notAvro: Misfit = {
  code: 'not-confluent-avro',
  detail: 'the value is not in the Confluent wire format (byte 0, schema id, Avro body)',
}

const unknownSchema = (id: number): Misfit => ({
  code: 'unknown-schema',
  detail: `the schema registry does not know schema ${String(id)}`,
})

const noValue: Misfit = { code: 'missing-value', detail: 'the record has no value' }

/** Registered schemas in use at a time; more, which nobody has, are compiled again and again. */
const KEPT_ENCODERS = 8

const NO_BYTES: Buffer = Buffer.alloc(0)

export class TopicRows {
  pendingSchemaId = -1
  readonly #table: SinkTable
  readonly #schemas: WriterSchemas
  readonly #isCompacted: boolean
  readonly #encoders = new Map<number, RowEncoder | Misfit>()
  readonly #source = { buffer: NO_BYTES, start: 0, end: 0, offset: 0 }

  constructor(table: SinkTable, schemas: WriterSchemas) {
    this.#table = table
    this.#schemas = schemas
    this.#isCompacted = table.topic.retention.cleanup.includes('compact')
  }

  /** Appends the row of the current record. */
  append(records: RecordSet, writer: RowWriter): RowOutcome {
    const { buffer, valueStart, valueEnd } = records
    if (valueStart < 0) {
      if (records.fault !== undefined) return { code: 'batch-too-large', detail: records.fault }
      return this.#isCompacted ? 'skipped' : noValue
    }
    const schemaId = schemaIdAt(buffer, valueStart, valueEnd)
    if (schemaId < 0) return notAvro
    const encoder = this.#encoders.get(schemaId) ?? this.#open(schemaId)
    if (encoder === undefined) return 'needs-schema'
    if (!('encode' in encoder)) return encoder
    const source = this.#source
    source.buffer = buffer
    source.start = valueStart + WIRE_HEADER_BYTES
    source.end = valueEnd
    source.offset = records.offset
    return encoder.encode(source, writer) ?? 'row'
  }

  /** Brings the schema that `needs-schema` asked for. Throws when the registry cannot be reached. */
  async loadPendingSchema(): Promise<void> {
    await this.#schemas.lookUp(this.pendingSchemaId)
  }

  #open(schemaId: number): RowEncoder | Misfit | undefined {
    const schema = this.#schemas.schemaOf(schemaId)
    if (schema === undefined) {
      this.pendingSchemaId = schemaId
      return undefined
    }
    // Not remembered here: the registry client forgets it after a while, and then asks again.
    if (schema === UNKNOWN_SCHEMA) return unknownSchema(schemaId)
    const encoder = this.#create(schema)
    if (this.#encoders.size >= KEPT_ENCODERS) this.#encoders.clear()
    this.#encoders.set(schemaId, encoder)
    return encoder
  }

  #create(schema: Parameters<typeof createRowEncoder>[1]): RowEncoder | Misfit {
    try {
      return createRowEncoder(this.#table, schema)
    } catch (error) {
      return misfitOf(error)
    }
  }
}

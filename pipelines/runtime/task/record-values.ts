/**
 * From the bytes of a fetched record to what a pipeline reads, and the verdict on bad ones.
 *
 * Data outcomes are return values, not exceptions: every record ends as read, as a dead letter with
 * a reason, or as "the schema is not known yet".
 */

import type { AvroSchema, Topic } from '../../../schemas/topic.ts'
import { AvroError, avroFaultName } from '../avro/avro-error.ts'
import { compileFieldReader, type FieldReader } from '../avro/field-reader.ts'
import { createRecordDecoder, type RecordDecoder } from '../avro/record-codec.ts'
import { schemaIdAt, WIRE_HEADER_BYTES } from '../avro/wire-format.ts'
import { textOf, type ReasonCode } from '../errors.ts'
import type { RecordSet } from '../record/index.ts'

/** Knows schemas without waiting; whoever runs the task looks up what is missing. */
export interface SchemaSource {
  /** The schema; 'unknown' when the registry has none of that id; undefined when not asked yet. */
  schemaOf(id: number): AvroSchema | 'unknown' | undefined
}

/** A bad record: why, and what exactly. */
export interface Refusal {
  readonly reason: ReasonCode
  readonly detail: string
}

/** Schemas of writers that are at work at once are few; beyond, they are compiled again. */
const KEPT_READERS = 64
const KEPT_UNFIT = 1_000

type ValueObject = Record<string, unknown>

interface Readers {
  readonly fields: FieldReader<ValueObject> | undefined
  readonly target: ValueObject
  readonly whole: RecordDecoder<ValueObject>
}

export type ReadOutcome = 'ok' | 'refused' | 'schema-missing'

export class RecordValues {
  /** The record last read: a reused object when fields are declared. */
  value: ValueObject = {}
  refusal: Refusal = { reason: 'rejected', detail: '' }
  missingSchemaId = -1

  readonly #topic: Topic<never>
  readonly #fields: readonly string[] | undefined
  readonly #schemas: SchemaSource
  readonly #readers = new Map<number, Readers>()
  /** Registered, but no schema of this topic: remembered, since trying again is expensive. */
  readonly #unfitSchemas = new Map<number, string>()
  #lastId = -1
  #lastReaders: Readers | undefined

  constructor(options: {
    readonly topic: Topic<never>
    readonly fields: readonly string[] | undefined
    readonly schemas: SchemaSource
  }) {
    this.#topic = options.topic
    this.#schemas = options.schemas
    const { field } = options.topic.eventTime
    // The runtime itself needs the event time.
    this.#fields = options.fields && [...new Set([field, ...options.fields])]
  }

  /** Reads the declared fields (or everything, where none are declared). */
  read(record: RecordSet): ReadOutcome {
    const readers = this.#readersOf(record)
    if (typeof readers === 'string') return readers
    if (readers.fields === undefined) return this.#decode(record, readers)
    const start = record.valueStart + WIRE_HEADER_BYTES
    const end = readers.fields.read(record.buffer, start, record.valueEnd, readers.target)
    if (end < 0) return this.#refuse('malformed-value', avroFaultName(end))
    this.value = readers.target
    return 'ok'
  }

  /** Reads everything, and checks that the bytes are one record and no more. */
  readWhole(record: RecordSet): ReadOutcome {
    const readers = this.#readersOf(record)
    return typeof readers === 'string' ? readers : this.#decode(record, readers)
  }

  #decode(record: RecordSet, { whole }: Readers): ReadOutcome {
    const start = record.valueStart + WIRE_HEADER_BYTES
    try {
      this.value = whole.decode(record.buffer, start, record.valueEnd)
    } catch (error) {
      if (!(error instanceof AvroError)) throw error
      return this.#refuse('malformed-value', faultText(error))
    }
    return 'ok'
  }

  #readersOf(record: RecordSet): Readers | 'refused' | 'schema-missing' {
    if (record.valueStart < 0) {
      if (record.fault !== undefined) return this.#refuse('batch-too-large', record.fault)
      return this.#refuse('missing-value', 'the record has no value')
    }
    const id = schemaIdAt(record.buffer, record.valueStart, record.valueEnd)
    if (id === this.#lastId && this.#lastReaders !== undefined) return this.#lastReaders
    if (id < 0) {
      const firstByte = record.buffer[record.valueStart]
      return this.#refuse(
        'not-confluent-avro',
        `expected byte 0 and a schema id, found ${record.valueEnd - record.valueStart} bytes ` +
          `beginning with ${firstByte === undefined ? 'nothing' : `0x${firstByte.toString(16)}`}`,
      )
    }
    const readers = this.#readers.get(id) ?? this.#compile(id)
    if (typeof readers === 'string') return readers
    this.#lastId = id
    this.#lastReaders = readers
    return readers
  }

  #compile(id: number): Readers | 'refused' | 'schema-missing' {
    const unfit = this.#unfitSchemas.get(id)
    if (unfit !== undefined) return this.#refuse('malformed-value', unfit)
    const writerSchema = this.#schemas.schemaOf(id)
    if (writerSchema === undefined) {
      this.missingSchemaId = id
      return 'schema-missing'
    }
    if (writerSchema === 'unknown') {
      return this.#refuse('unknown-schema', `the registry has no schema with id ${id}`)
    }
    const readerSchema = this.#topic.schema
    try {
      const fields =
        this.#fields &&
        compileFieldReader<ValueObject>({ writerSchema, readerSchema, fields: this.#fields })
      const whole = createRecordDecoder<ValueObject>({ writerSchema, readerSchema })
      const readers = { fields, target: fields?.createTarget() ?? {}, whole }
      if (this.#readers.size >= KEPT_READERS) this.#readers.clear()
      this.#readers.set(id, readers)
      return readers
    } catch (error) {
      const detail = `schema ${id} is not one of ${this.#topic.name}: ${textOf(error)}`
      if (this.#unfitSchemas.size >= KEPT_UNFIT) this.#unfitSchemas.clear()
      this.#unfitSchemas.set(id, detail)
      return this.#refuse('malformed-value', detail)
    }
  }

  #refuse(reason: ReasonCode, detail: string): 'refused' {
    this.refusal = { reason, detail }
    return 'refused'
  }
}

/** The bounded name where it says it all; what only avsc could tell stands in the message. */
const faultText = ({ fault, message }: AvroError): string =>
  fault === undefined || fault === 'undecodable' ? message : fault

/**
 * Avro body -> RowBinary row, for one topic and one writer's schema.
 *
 * E1: a record is written whole or not at all: on any fault the writer stands where it stood.
 * E2: `hotFields` come first in the bytes (telemetry.metrics is laid out so). All columns behind
 *     them are a function of the bytes behind them, and those repeat with every point of a series:
 *     they are encoded once and copied from then on. A hit needs no check of the bytes, since equal
 *     bytes were found valid before.
 * E3: a schema whose first fields are others, or of types that cannot be read in place (a union of
 *     numbers), takes the plain way: decode all, encode all. It cannot tell where the rest begins.
 */
import {
  AvroError,
  avroFaultName,
  compileFieldReader,
  createRecordDecoder,
  type FieldReader,
  type RecordDecoder,
} from '../../pipelines/runtime/avro/index.ts'
import type { ReasonCode } from '../../pipelines/runtime/errors.ts'
import { SchemaError } from '../../schemas/errors.ts'
import type { AvroSchema } from '../../schemas/topic.ts'
import { RowMisfit } from './column-types.ts'
import { EncodedSeries } from './encoded-series.ts'
import { RowWriter } from './row-writer.ts'
import type { Column, DecodedRecord, SinkTable } from './tables.ts'

/** In the words of the pipelines, and one of the sink's own: Avro can say more than a column can hold. */
export type MisfitCode = ReasonCode | 'does-not-fit'

export interface Misfit {
  /** Bounded set: a metric label and the reason of the dead letter. */
  readonly code: MisfitCode
  readonly detail: string
}

export interface RowEncoder {
  /** Appends the row of the body in [start, end), or says why there is none. */
  encode(source: BodySource, writer: RowWriter): Misfit | undefined
}

export interface BodySource {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly offset: number
}

/** For the columns behind the hot ones: some hundred thousand series. */
const CACHED_BYTES = 32 * 1024 * 1024
const LONGEST_CACHED_BYTES = 1024

/** Errors that speak of the record; others are thrown on. */
export const misfitOf = (error: unknown): Misfit => {
  if (error instanceof RowMisfit) return { code: 'does-not-fit', detail: error.message }
  if (error instanceof AvroError) return { code: 'malformed-value', detail: error.message }
  if (error instanceof SchemaError) return { code: 'invalid-key', detail: error.message }
  throw error
}

const writeColumns = (
  columns: readonly Column[],
  record: DecodedRecord,
  writer: RowWriter,
): void => {
  for (const { name, type, from } of columns) {
    try {
      type.write(writer, from(record))
    } catch (error) {
      if (error instanceof RowMisfit) throw new RowMisfit(`'${name}' ${error.message}`)
      throw error
    }
  }
}

class PlainEncoder implements RowEncoder {
  readonly #columns: readonly Column[]
  readonly #decoder: RecordDecoder<DecodedRecord>

  constructor(table: SinkTable, writerSchema: AvroSchema) {
    this.#columns = table.columns
    this.#decoder = createRecordDecoder({ writerSchema, readerSchema: table.topic.schema })
  }

  encode({ buffer, start, end, offset }: BodySource, writer: RowWriter): Misfit | undefined {
    const before = writer.sizeBytes
    try {
      writer.int64(offset)
      writeColumns(this.#columns, this.#decoder.decode(buffer, start, end), writer)
      return undefined
    } catch (error) {
      writer.sizeBytes = before
      return misfitOf(error)
    }
  }
}

type HotReader = FieldReader<Record<string, unknown>>

class CachingEncoder implements RowEncoder {
  readonly #hot: readonly Column[]
  readonly #rest: readonly Column[]
  readonly #reader: HotReader
  readonly #target: Record<string, unknown>
  readonly #decoder: RecordDecoder<DecodedRecord>
  readonly #scratch = new RowWriter(4096)
  readonly #encoded = new EncodedSeries(CACHED_BYTES)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #viewed: Buffer | undefined

  constructor(table: SinkTable, writerSchema: AvroSchema, reader: HotReader) {
    this.#hot = table.columns.slice(0, table.hotFields.length)
    this.#rest = table.columns.slice(table.hotFields.length)
    this.#reader = reader
    this.#target = reader.createTarget()
    this.#decoder = createRecordDecoder({ writerSchema, readerSchema: table.topic.schema })
  }

  encode({ buffer, start, end, offset }: BodySource, writer: RowWriter): Misfit | undefined {
    const restStart = this.#reader.read(buffer, start, end, this.#target)
    if (restStart < 0) return { code: 'malformed-value', detail: avroFaultName(restStart) }
    const before = writer.sizeBytes
    try {
      const isKnown = this.#isKnown(buffer, restStart, end)
      const rest = isKnown ? undefined : this.#encodeRest(buffer, start, restStart, end)
      writer.int64(offset)
      writeColumns(this.#hot, this.#target, writer)
      if (rest === undefined) {
        writer.copy(this.#encoded.view, this.#encoded.start, this.#encoded.end)
      } else {
        writer.raw(rest)
      }
      return undefined
    } catch (error) {
      writer.sizeBytes = before
      return misfitOf(error)
    }
  }

  #isKnown(buffer: Buffer, restStart: number, end: number): boolean {
    if (end - restStart > LONGEST_CACHED_BYTES) return false
    if (this.#viewed !== buffer) {
      this.#viewed = buffer
      this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    }
    return this.#encoded.find(this.#view, restStart, end)
  }

  /** Valid until the next one. */
  #encodeRest(buffer: Buffer, start: number, restStart: number, end: number): Buffer {
    this.#scratch.sizeBytes = 0
    writeColumns(this.#rest, this.#decoder.decode(buffer, start, end), this.#scratch)
    const encoded = this.#scratch.bytes()
    if (end - restStart <= LONGEST_CACHED_BYTES) this.#encoded.add(buffer, restStart, end, encoded)
    return encoded
  }
}

const firstFieldNames = (schema: AvroSchema, count: number): readonly unknown[] => {
  if (typeof schema !== 'object' || Array.isArray(schema)) return []
  const fields: unknown = 'fields' in schema ? schema['fields'] : []
  if (!Array.isArray(fields)) return []
  return fields.slice(0, count).map((each: { readonly name?: unknown }) => each.name)
}

/** Undefined where the hot fields are not the first bytes of a record (E3). */
const hotReaderOf = (
  { hotFields, topic }: SinkTable,
  writerSchema: AvroSchema,
): HotReader | undefined => {
  const first = firstFieldNames(writerSchema, hotFields.length)
  if (hotFields.length === 0 || !hotFields.every((name) => first.includes(name))) return undefined
  const reader: HotReader = compileFieldReader<Record<string, unknown>>({
    writerSchema,
    readerSchema: topic.schema,
    fields: hotFields,
  })
  return reader.mode === 'in-place' ? reader : undefined
}

/** Throws AvroError when data of this schema cannot be read as the topic's. */
export const createRowEncoder = (table: SinkTable, writerSchema: AvroSchema): RowEncoder => {
  const reader = hotReaderOf(table, writerSchema)
  return reader === undefined
    ? new PlainEncoder(table, writerSchema)
    : new CachingEncoder(table, writerSchema, reader)
}

/**
 * How a decoded Avro value becomes a ClickHouse value. A type checks everything that ClickHouse
 * would refuse: one refused row would fail its whole block for ever, so it must become a dead
 * letter before.
 */
import { isDecimal } from '../../schemas/decimal.ts'
import type { RowWriter } from './row-writer.ts'

/** Thrown by `write`, caught by the row encoder: the record becomes a dead letter. */
export class RowMisfit extends Error {
  override readonly name = 'RowMisfit'
}

export interface ColumnType {
  /** As `input()` declares it; the table may hold it as LowCardinality or FixedString. */
  readonly sql: string
  write(writer: RowWriter, value: unknown): void
}

const misfit = (expected: string, value: unknown): RowMisfit => {
  const shown = typeof value === 'object' ? typeof value : JSON.stringify(value)
  return new RowMisfit(`must be ${expected}, but is ${(shown ?? 'missing').slice(0, 80)}`)
}

export const text: ColumnType = {
  sql: 'String',
  write(writer, value) {
    if (typeof value !== 'string') throw misfit('text', value)
    writer.text(value)
  },
}

const HEX_ID = /^[0-9a-f]{32}$/

/** 128 bits as 32 hex digits, what a FixedString(32) takes. */
export const hexId: ColumnType = {
  sql: 'String',
  write(writer, value) {
    if (typeof value !== 'string' || !HEX_ID.test(value)) throw misfit('32 hex digits', value)
    writer.text(value)
  },
}

export const blob: ColumnType = {
  sql: 'String',
  write(writer, value) {
    if (!(value instanceof Uint8Array)) throw misfit('bytes', value)
    writer.blob(value)
  },
}

export const decimal: ColumnType = {
  sql: 'Decimal(38, 12)',
  write(writer, value) {
    if (!(value instanceof Uint8Array) || !isDecimal(value)) {
      throw misfit('a decimal of 38 digits in 1 to 16 bytes', value)
    }
    writer.int128(value)
  },
}

export const bool: ColumnType = {
  sql: 'Bool',
  write(writer, value) {
    if (typeof value !== 'boolean') throw misfit('true or false', value)
    writer.byte(value ? 1 : 0)
  },
}

/** NaN and infinities included: what was measured is kept. */
export const float64: ColumnType = {
  sql: 'Float64',
  write(writer, value) {
    if (typeof value !== 'number') throw misfit('a number', value)
    writer.float64(value)
  },
}

export const int32: ColumnType = {
  sql: 'Int32',
  write(writer, value) {
    if (typeof value !== 'number' || (value | 0) !== value) throw misfit('a 32-bit integer', value)
    writer.int32(value)
  },
}

export const int64: ColumnType = {
  sql: 'Int64',
  write(writer, value) {
    if (!Number.isSafeInteger(value)) throw misfit('a 54-bit integer', value)
    writer.int64(value as number)
  },
}

export const count: ColumnType = {
  sql: 'UInt64',
  write(writer, value) {
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw misfit('a count', value)
    writer.int64(value as number)
  },
}

/** What DateTime64(3) can hold: 1900-01-01 to 2299-12-31. */
const EARLIEST_MS = Date.UTC(1900, 0, 1)
const LATEST_MS = Date.UTC(2300, 0, 1) - 1

export const instantMs: ColumnType = {
  sql: "DateTime64(3, 'UTC')",
  write(writer, value) {
    if (!Number.isSafeInteger(value)) throw misfit('milliseconds since 1970', value)
    const ms = value as number
    if (ms < EARLIEST_MS || ms > LATEST_MS) throw misfit('a time in the years 1900 to 2299', value)
    writer.int64(ms)
  },
}

/** What a number holds exactly ends in the year 2255, before DateTime64(6) does. */
export const instantUs: ColumnType = {
  sql: "DateTime64(6, 'UTC')",
  write(writer, value) {
    if (!Number.isSafeInteger(value)) throw misfit('microseconds since 1970', value)
    const us = value as number
    if (us < EARLIEST_MS * 1000) throw misfit('a time in the years 1900 to 2255', value)
    writer.int64(us)
  },
}

export const nullable = (type: ColumnType): ColumnType => ({
  sql: `Nullable(${type.sql})`,
  write(writer, value) {
    if (value === null) {
      writer.byte(1)
      return
    }
    writer.byte(0)
    type.write(writer, value)
  },
})

export const textMap: ColumnType = {
  sql: 'Map(String, String)',
  write(writer, value) {
    if (typeof value !== 'object' || value === null) throw misfit('a map', value)
    const entries = Object.entries(value)
    writer.varuint(entries.length)
    for (const [key, item] of entries) {
      writer.text(key)
      text.write(writer, item)
    }
  },
}

export const arrayOf = (type: ColumnType): ColumnType => ({
  sql: `Array(${type.sql})`,
  write(writer, value) {
    if (!Array.isArray(value)) throw misfit('an array', value)
    writer.varuint(value.length)
    for (const item of value) type.write(writer, item)
  },
})

/** As columns are named: `durationUs` is `duration_us`. */
export const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Named as in the record; ClickHouse matches tuples by the names of their elements. */
export const tupleOf = (fields: Readonly<Record<string, ColumnType>>): ColumnType => {
  const entries = Object.entries(fields)
  const elements = entries.map(([name, type]) => `${snakeCase(name)} ${type.sql}`)
  return {
    sql: `Tuple(${elements.join(', ')})`,
    write(writer, value) {
      if (typeof value !== 'object' || value === null) throw misfit('a record', value)
      for (const [name, type] of entries)
        type.write(writer, (value as Record<string, unknown>)[name])
    },
  }
}

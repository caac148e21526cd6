/** Which column of a CSV file is what: told from its first line. */
import { parseTimestamp } from '../../pipelines/intake/timestamp.ts'

export interface CsvLayout {
  readonly hasHeader: boolean
  readonly columns: number
  readonly timestamp: number
  /** The header says that it is one. */
  readonly isTimeNamed: boolean
  readonly value: number
  /** Every other column is a label. */
  readonly labels: readonly { readonly index: number; readonly name: string }[]
}

const DELIMITERS = [',', ';', '\t', '|'] as const
const TIMESTAMP_NAMES = new Set([
  'timestamp',
  'time',
  'date',
  'datetime',
  'ts',
  '_time',
  '@timestamp',
])
const VALUE_NAMES = new Set(['value', '_value'])

/** The delimiter seen most often in the first line, outside quotes. */
export const sniffDelimiter = (start: string): string => {
  const line = /[^\r\n]+/.exec(start)?.[0] ?? ''
  const bare = line.replace(/"[^"]*"/g, '')
  const counted = DELIMITERS.map((delimiter) => ({
    delimiter,
    count: bare.split(delimiter).length - 1,
  }))
  return counted.reduce((best, each) => (each.count > best.count ? each : best)).delimiter
}

/** The layout, or why the first line can be neither header nor data. */
export const layoutOf = (first: readonly string[]): CsvLayout | string => {
  if (first.length < 2) {
    return `needs a timestamp and a value column, has ${String(first.length)} column`
  }
  // A header has no cell that reads as a time.
  const hasHeader = !first.some((cell) => parseTimestamp(cell) !== undefined)
  const names = first.map((cell, index) => (hasHeader ? cell.trim() : `column${String(index + 1)}`))
  const namedTime = indexOfAny(names, TIMESTAMP_NAMES)
  const timestamp = Math.max(0, namedTime)
  const named = indexOfAny(names, VALUE_NAMES)
  const value = named >= 0 ? named : timestamp === 0 ? 1 : 0
  const labels = names
    .map((name, index) => ({ index, name: labelOf(name, index) }))
    .filter(({ index }) => index !== timestamp && index !== value)
  const twice = labels.find(({ name }, at) =>
    labels.some((other, i) => i < at && other.name === name),
  )
  if (twice !== undefined) return `has two columns named '${twice.name}'`
  return { hasHeader, columns: first.length, timestamp, isTimeNamed: namedTime >= 0, value, labels }
}

/** `file` is the label that tells from which file a series comes. */
const labelOf = (name: string, index: number): string => {
  if (name === '') return `column${String(index + 1)}`
  return name === 'file' ? 'file_column' : name
}

const indexOfAny = (names: readonly string[], wanted: ReadonlySet<string>): number =>
  names.findIndex((name) => wanted.has(name.toLowerCase()))

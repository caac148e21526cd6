/**
 * What a line of JSON or a row of a table says, by names. Different programs call the same thing
 * differently, so a value is asked for by all names that it is known to have.
 */
import { BadInput } from '../../pipelines/intake/bad-input.ts'
import { parseJson } from '../../pipelines/intake/json.ts'
import { Cells, columnsOf, type Columns } from './cells.ts'
import { csvRecords } from './csv-records.ts'
import { startOf } from './file-bytes.ts'
import type { InputFile } from './input-files.ts'
import { textLines } from './lines.ts'
import { badRow, type BadRow, type Row } from './rows.ts'

export interface NamedValues {
  readonly kind: 'values'
  readonly line: number
  readonly bytes: number
  /** Of a line of JSON; undefined for a row of a table. */
  readonly text: string | undefined
  readonly values: ReadonlyMap<string, unknown>
}

const SNIFFED_BYTES = 64 * 1024
const OPEN_OBJECT = /^\s*\{/
const OPEN_ARRAY = /^\s*\[\s*[{\]]/

export type FileKind = 'csv' | 'json' | 'json-array' | 'text'

/** By its name, or by how it begins. */
export const kindOf = async ({ path }: InputFile): Promise<FileKind> => {
  if (/\.csv(\.gz)?$/i.test(path)) return 'csv'
  const start = (await startOf(path, SNIFFED_BYTES)).toString('utf8').replace(/^\ufeff/, '')
  if (OPEN_OBJECT.test(start)) return 'json'
  return OPEN_ARRAY.test(start) ? 'json-array' : 'text'
}

/** Rows of a table with a header, or lines of JSON; a file of another kind is told of once. */
export async function* namedValues(file: InputFile): AsyncGenerator<NamedValues | BadRow> {
  const kind = await kindOf(file)
  if (kind === 'csv') yield* fromTable(file)
  else if (kind === 'json') yield* fromJsonLines(file)
  else if (kind === 'json-array')
    yield badRow(1, 'is an array; write one object a line: jq -c ".[]"')
  else yield badRow(1, 'is neither CSV (its name ends in .csv) nor JSON, one object a line')
}

async function* fromTable({ path }: InputFile): AsyncGenerator<NamedValues | BadRow> {
  let header: { readonly columns: Columns; readonly width: number } | undefined
  for await (const record of csvRecords(path)) {
    if (record.kind === 'bad') {
      yield record
      continue
    }
    const { cells, line } = record
    if (header === undefined) {
      header = { columns: columnsOf(cells), width: cells.length }
      continue
    }
    if (cells.length !== header.width) {
      yield badRow(line, `has ${String(cells.length)} columns instead of ${String(header.width)}`)
      continue
    }
    const texts = new Cells(header.columns, cells).rest(() => true)
    const bytes = cells.reduce((sum, cell) => sum + cell.length, 0)
    yield { kind: 'values', line, bytes, text: undefined, values: new Map(Object.entries(texts)) }
  }
}

async function* fromJsonLines({ path }: InputFile): AsyncGenerator<NamedValues | BadRow> {
  for await (const lines of textLines(path)) {
    for (const { line, text, bytes } of lines) {
      if (text === undefined) yield badRow(line, 'is longer than 16 MiB')
      else if (text.trim() !== '') yield valuesOf(line, text, bytes)
    }
  }
}

const valuesOf = (line: number, text: string, bytes: number): NamedValues | BadRow => {
  try {
    const json = parseJson(Buffer.from(text))
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      return badRow(line, 'is no JSON object')
    }
    return { kind: 'values', line, bytes, text, values: new Map(Object.entries(json)) }
  } catch (error) {
    if (error instanceof BadInput) return badRow(line, reasonOf(error))
    throw error
  }
}

export const reasonOf = ({ field, limit }: BadInput): string =>
  field === 'body' ? `is not ${limit}` : `${field} must be ${limit}`

/** Rows have the same names again and again. */
const REMEMBERED_NAMES = 1_000
const plainNames = new Map<string, string>()

/** `traceId`, `trace_id`, `Trace ID` and `trace.id` are one name. */
const plain = (name: string): string => {
  const known = plainNames.get(name)
  if (known !== undefined) return known
  const made = name.toLowerCase().replaceAll(/[^a-z0-9@]/g, '')
  if (plainNames.size >= REMEMBERED_NAMES) plainNames.clear()
  plainNames.set(name, made)
  return made
}

/** Takes values out by their names; what nobody took is the rest. */
export class Taker {
  readonly #values = new Map<string, { readonly name: string; readonly value: unknown }>()

  constructor(values: ReadonlyMap<string, unknown>) {
    for (const [name, value] of values) {
      if (value === null || value === '') continue
      const key = plain(name)
      // Of two that are one name the first counts; the other one is kept as the rest.
      this.#values.set(this.#values.has(key) ? name : key, { name, value })
    }
  }

  /** The first of these names that says something; all others of them stay. */
  take(...names: readonly string[]): unknown {
    for (const name of names) {
      const found = this.#values.get(name)
      if (found === undefined) continue
      this.#values.delete(name)
      return found.value
    }
    return undefined
  }

  get(name: string): unknown {
    return this.#values.get(name)?.value
  }

  drop(...names: readonly string[]): void {
    for (const name of names) this.#values.delete(name)
  }

  /** Under the names that they came with. */
  rest(): Record<string, unknown> {
    return Object.fromEntries([...this.#values.values()].map(({ name, value }) => [name, value]))
  }
}

/** An object of JSON, whose members stand beside those outside. */
export const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}

/** `ts-travel-service-64469b5b48-5rjvb` is a pod of ts-travel-service. */
export const serviceOfPod = (pod: string): string => pod.replace(/-[a-z0-9]{6,10}-[a-z0-9]{5}$/, '')

/** Runs what makes a record; what it refuses is the reason of a bad row. */
export const rowOf = <Value>(
  { line, bytes }: { readonly line: number; readonly bytes: number },
  make: () => { readonly timestampMs: number; readonly value: Value },
): Row<Value> => {
  try {
    return { kind: 'row', line, bytes, ...make() }
  } catch (error) {
    if (error instanceof BadInput) return badRow(line, reasonOf(error))
    throw error
  }
}

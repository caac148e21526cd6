/**
 * The rows of one CSV file, streamed: each is a point or the reason why it is none. Nothing of the
 * file but the current piece is held in memory.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { parse } from 'csv-parse'
import { messageOf } from '../shared/errors.ts'
import { layoutOf, sniffDelimiter, type CsvLayout } from './csv-layout.ts'
import { ReplayError } from './replay-error.ts'
import { parseTimestamp } from '../../pipelines/intake/timestamp.ts'

export interface CsvPoint {
  readonly kind: 'point'
  readonly line: number
  readonly timestampMs: number
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

export interface BadRow {
  readonly kind: 'bad'
  readonly line: number
  readonly reason: string
}

export interface CsvOptions {
  /** Event times beyond this are refused: the runtime would put them aside. */
  readonly latestMs: number
}

const SNIFFED_BYTES = 64 * 1024
/**
 * A quote that is never closed would otherwise swallow the rest of the file, however long. Far above
 * what a record may take: the parser cannot find its way back from here, see `on_skip`.
 */
const MAX_ROW_BYTES = 16 * 1024 * 1024
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const NO_LABELS = Object.freeze({})

export async function* readCsv(
  path: string,
  options: CsvOptions,
): AsyncGenerator<CsvPoint | BadRow> {
  const delimiter = sniffDelimiter(await startOf(path))
  const skipped: BadRow[] = []
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_ROW_BYTES,
    on_skip: (error) => {
      // csv-parse drops the rest of the piece at hand, good rows included: end with what is known.
      if (error?.code === 'CSV_MAX_RECORD_SIZE') throw error
      const line = Number(error?.['lines'] ?? parser.info.lines)
      skipped.push({ kind: 'bad', line, reason: error?.message ?? 'not CSV' })
      return undefined
    },
  })
  const input = createReadStream(path)
  input.on('error', (cause) => parser.destroy(unreadable(path, cause)))
  input.pipe(parser)
  try {
    let layout: CsvLayout | undefined
    for await (const item of parser as AsyncIterable<ParsedRow>) {
      yield* skipped.splice(0)
      const { record, info } = item
      if (layout === undefined) {
        const found = layoutOf(record)
        if (typeof found === 'string') {
          yield { kind: 'bad', line: info.lines, reason: found }
          return
        }
        layout = found
        if (found.hasHeader) continue
      }
      yield rowOf(record, info.lines, layout, options)
    }
    yield* skipped
  } catch (cause) {
    if (!isCsvError(cause)) throw cause
    yield* skipped
    yield { kind: 'bad', line: parser.info.lines, reason: `${cause.message}; rest not read` }
  } finally {
    input.destroy()
    parser.destroy()
  }
}

interface ParsedRow {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

const startOf = async (path: string): Promise<string> => {
  try {
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

const unreadable = (path: string, cause: unknown): ReplayError =>
  new ReplayError(
    'REPLAY_FILE_UNREADABLE',
    `Cannot read '${path}' (${messageOf(cause)}); give the path of a CSV file.`,
    { cause },
  )

const isCsvError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_')

const rowOf = (
  cells: readonly string[],
  line: number,
  layout: CsvLayout,
  { latestMs }: CsvOptions,
): CsvPoint | BadRow => {
  const bad = (reason: string): BadRow => ({ kind: 'bad', line, reason })
  if (cells.length !== layout.columns) {
    return bad(`has ${String(cells.length)} columns instead of ${String(layout.columns)}`)
  }
  const time = cells[layout.timestamp] ?? ''
  const timestampMs = parseTimestamp(time)
  if (timestampMs === undefined) return bad(`'${shortened(time)}' is not a time since 1970`)
  if (!layout.isTimeNamed && isSmallNumber(time)) {
    return bad(
      `'${shortened(time)}' would be a time of ${String(new Date(timestampMs).getUTCFullYear())}; if it is seconds since 1970, give the file a header with timestamp`,
    )
  }
  if (timestampMs > latestMs) return bad(`'${shortened(time)}' lies in the future`)
  const number = (cells[layout.value] ?? '').trim()
  const value = NUMBER.test(number) ? Number(number) : NaN
  if (!Number.isFinite(value)) return bad(`'${shortened(number)}' is not a finite number`)
  return { kind: 'point', line, timestampMs, value, labels: labelsOf(cells, layout) }
}

/** An empty cell means that the row does not have the label. */
const labelsOf = (cells: readonly string[], { labels }: CsvLayout): CsvPoint['labels'] =>
  labels.length === 0
    ? NO_LABELS
    : Object.fromEntries(
        labels
          .map(({ index, name }) => [name, (cells[index] ?? '').trim()] as const)
          .filter(([, value]) => value !== ''),
      )

/** Far more likely a count or a value than seconds of the years up to 1973. */
const SMALL = 1e8
const isSmallNumber = (time: string): boolean => Number(time) < SMALL

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text)

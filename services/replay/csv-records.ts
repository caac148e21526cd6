/**
 * The records of one CSV file, streamed: cells, or the reason why there are none. Nothing of the
 * file but the current piece is held in memory.
 */
import { parse } from 'csv-parse'
import { sniffDelimiter } from './csv-layout.ts'
import { openFile, startOf, unreadable } from './file-bytes.ts'
import { ReplayError } from './replay-error.ts'
import { badRow, type BadRow } from './rows.ts'

export interface CsvRecord {
  readonly kind: 'cells'
  readonly line: number
  readonly cells: readonly string[]
}

const SNIFFED_BYTES = 64 * 1024
/**
 * A quote that is never closed would otherwise swallow the rest of the file, however long. Far above
 * what a record may take: the parser cannot find its way back from here, see `on_skip`.
 */
const MAX_ROW_BYTES = 16 * 1024 * 1024

export async function* csvRecords(path: string): AsyncGenerator<CsvRecord | BadRow> {
  const delimiter = sniffDelimiter((await startOf(path, SNIFFED_BYTES)).toString('utf8'))
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
      skipped.push(badRow(line, error?.message ?? 'not CSV'))
      return undefined
    },
  })
  const input = openFile(path)
  input.on('error', (cause) => parser.destroy(unreadable(path, cause)))
  input.pipe(parser)
  try {
    for await (const { record: cells, info } of parser as AsyncIterable<ParsedRow>) {
      yield* skipped.splice(0)
      yield { kind: 'cells', line: info.lines, cells }
    }
    yield* skipped
  } catch (cause) {
    if (!isCsvError(cause)) throw cause
    yield* skipped
    yield badRow(parser.info.lines, `${cause.message}; rest not read`)
  } finally {
    input.destroy()
    parser.destroy()
  }
}

interface ParsedRow {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

const isCsvError = (error: unknown): error is Error =>
  !(error instanceof ReplayError) &&
  error instanceof Error &&
  'code' in error &&
  String(error.code).startsWith('CSV_')

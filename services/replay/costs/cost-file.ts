/** A bill in CSV, in one of the layouts known here: told from its header. */
import type { CostRecord } from '../../../schemas/generated/telemetry-costs.ts'
import type { EpochMs } from '../../../schemas/topic.ts'
import { telemetryCosts } from '../../../schemas/topics.ts'
import { Cells, columnsOf, RowProblem, type Columns } from '../cells.ts'
import { csvRecords } from '../csv-records.ts'
import { writtenMs } from '../file-bytes.ts'
import type { InputFile } from '../input-files.ts'
import { badRow, type FileReader, type Row } from '../rows.ts'
import type { ReadContext, ReplaySignal } from '../signal.ts'
import { CUR_COLUMN, curColumn, curRow } from './aws-cur.ts'
import { costRecordOf, type CostRow, type Delivery } from './cost-row.ts'
import { FOCUS_COLUMNS, focusRow } from './focus.ts'

export interface CostOptions {
  /** The file's name unless given. */
  readonly exportName?: string | undefined
  /** When the file was last written unless given. */
  readonly asOfMs?: EpochMs | undefined
}

export const costsSignal = (options: CostOptions = {}): ReplaySignal<CostRecord, CostRow> => ({
  topic: telemetryCosts,
  endings: ['.csv'],
  reader: (context) => costRows(context, options),
  valueOf: costRecordOf,
})

interface Layout {
  readonly columns: Columns
  readonly width: number
  readonly rowOf: (cells: Cells, delivery: Delivery, place: string) => CostRow
}

const costRows = (context: ReadContext, options: CostOptions): FileReader<CostRow> =>
  async function* (file): AsyncGenerator<Row<CostRow>> {
    const delivery = {
      tenant: context.tenant,
      export: options.exportName ?? file.name,
      asOf: options.asOfMs ?? writtenMs(file.path),
    }
    let layout: Layout | undefined
    for await (const record of csvRecords(file.path)) {
      if (record.kind === 'bad') {
        yield record
        continue
      }
      const { cells, line } = record
      if (layout === undefined) {
        layout = layoutOf(cells)
        if (layout !== undefined) continue
        yield badRow(
          line,
          `has neither the columns of FOCUS (${FOCUS_COLUMNS.join(', ')}) nor ${CUR_COLUMN}`,
        )
        return
      }
      yield rowOf(layout, { cells, line, file, delivery, latestMs: context.latestMs })
    }
  }

interface Found {
  readonly cells: readonly string[]
  readonly line: number
  readonly file: InputFile
  readonly delivery: Delivery
  readonly latestMs: EpochMs
}

const rowOf = (layout: Layout, { cells, line, file, delivery, latestMs }: Found): Row<CostRow> => {
  if (cells.length !== layout.width) {
    return badRow(line, `has ${String(cells.length)} columns instead of ${String(layout.width)}`)
  }
  try {
    const place = `${file.label}:${String(line)}`
    const value = layout.rowOf(new Cells(layout.columns, cells), delivery, place)
    const timestampMs = value.chargePeriodStart
    if (timestampMs > latestMs) {
      return badRow(
        line,
        `its charge period begins in the future, ${new Date(timestampMs).toISOString()}`,
      )
    }
    const bytes = cells.reduce((sum, cell) => sum + cell.length, 0)
    return { kind: 'row', line, timestampMs, bytes, value }
  } catch (error) {
    if (error instanceof RowProblem) return badRow(line, error.message)
    throw error
  }
}

const layoutOf = (header: readonly string[]): Layout | undefined => {
  const width = header.length
  const focus = columnsOf(header)
  if (FOCUS_COLUMNS.every((name) => focus.has(name))) {
    return { columns: focus, width, rowOf: focusRow }
  }
  const cur = columnsOf(header, curColumn)
  return cur.has(CUR_COLUMN) ? { columns: cur, width, rowOf: curRow } : undefined
}

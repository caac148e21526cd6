/** The rows of one CSV file as points of a metric that is called like the file. */
import { parseTimestamp } from '../../pipelines/intake/timestamp.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { telemetryMetrics } from '../../schemas/topics.ts'
import { layoutOf, type CsvLayout } from './csv-layout.ts'
import { csvRecords } from './csv-records.ts'
import { badRow, shortened, type FileReader, type Row } from './rows.ts'
import type { ReadContext, ReplaySignal } from './signal.ts'

interface CsvPoint {
  readonly timestampMs: number
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

/** A row is not longer than a point takes; text is what a file may have more of. */
const POINT_BYTES = 200
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const NO_LABELS = Object.freeze({})

export const metricsSignal: ReplaySignal<MetricPoint> = {
  topic: telemetryMetrics,
  endings: ['.csv'],
  reader: (context) => csvPoints(context),
  valueOf: (point) => point,
}

export const csvPoints = (options: ReadContext): FileReader<MetricPoint> =>
  async function* (file): AsyncGenerator<Row<MetricPoint>> {
    let layout: CsvLayout | undefined
    for await (const record of csvRecords(file.path)) {
      if (record.kind === 'bad') {
        yield record
        continue
      }
      const { cells, line } = record
      if (layout === undefined) {
        const found = layoutOf(cells)
        if (typeof found === 'string') {
          yield badRow(line, found)
          return
        }
        layout = found
        if (found.hasHeader) continue
      }
      const point = pointOf(cells, layout, options)
      if (typeof point === 'string') {
        yield badRow(line, point)
        continue
      }
      const { timestampMs, value } = point
      const labels = { ...point.labels, file: file.label }
      const series = { tenant: options.tenant, name: file.name, labels }
      yield {
        kind: 'row',
        line,
        timestampMs,
        bytes: POINT_BYTES,
        value: { timestamp: timestampMs, value, ...series, unit: null, kind: 'unspecified' },
      }
    }
  }

const pointOf = (
  cells: readonly string[],
  layout: CsvLayout,
  { latestMs }: ReadContext,
): CsvPoint | string => {
  if (cells.length !== layout.columns) {
    return `has ${String(cells.length)} columns instead of ${String(layout.columns)}`
  }
  const time = cells[layout.timestamp] ?? ''
  const timestampMs = parseTimestamp(time)
  if (timestampMs === undefined) return `'${shortened(time)}' is not a time since 1970`
  if (!layout.isTimeNamed && isSmallNumber(time)) {
    return `'${shortened(time)}' would be a time of ${String(new Date(timestampMs).getUTCFullYear())}; if it is seconds since 1970, give the file a header with timestamp`
  }
  if (timestampMs > latestMs) return `'${shortened(time)}' lies in the future`
  const number = (cells[layout.value] ?? '').trim()
  const value = NUMBER.test(number) ? Number(number) : NaN
  if (!Number.isFinite(value)) return `'${shortened(number)}' is not a finite number`
  return { timestampMs, value, labels: labelsOf(cells, layout) }
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

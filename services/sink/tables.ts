/**
 * Which topic goes to which table, as data. A new topic is a migration and an entry here.
 *
 * The keys of `columns` are the table's columns; `from` says how the value is found in the decoded
 * record. Columns of origin (`_topic_id`, `_partition`, `_offset`, `_ingested_at`) are the block's.
 */
import { seriesId, seriesKey, type SeriesIdentity } from '../../schemas/series-key.ts'
import type { AnyTopic } from '../../schemas/topic.ts'
import {
  signalsAnomalies,
  signalsBaselines,
  signalsRollups,
  telemetryMetrics,
} from '../../schemas/topics.ts'
import {
  arrayOf,
  blob,
  count,
  float64,
  hexId,
  instantMs,
  int32,
  nullable,
  text,
  textMap,
  tupleOf,
  type ColumnType,
} from './column-types.ts'

export type DecodedRecord = Readonly<Record<string, unknown>>

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly from: (record: DecodedRecord) => unknown
}

export interface SinkTable {
  readonly table: string
  readonly topic: AnyTopic
  /** Fields that differ from record to record; what follows them in the bytes repeats per series. */
  readonly hotFields: readonly string[]
  /** In the order of the hot fields, then the rest. */
  readonly columns: readonly Column[]
}

const field = (name: string, type: ColumnType): Column => ({
  name: snakeCase(name),
  type,
  from: (record) => record[name],
})

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Raw points carry no id: it is derived here as the pipelines derive it. */
const derivedSeries: Column = {
  name: 'series',
  type: hexId,
  from: (record) => seriesId(seriesKey(record as unknown as SeriesIdentity)),
}

const evidence = arrayOf(
  tupleOf({ name: text, value: float64, unit: nullable(text), detail: nullable(text) }),
)

export const sinkTables: readonly SinkTable[] = [
  {
    table: 'metrics',
    topic: telemetryMetrics,
    hotFields: ['timestamp', 'value'],
    columns: [
      field('timestamp', instantMs),
      field('value', float64),
      field('tenant', text),
      derivedSeries,
      field('name', text),
      field('labels', textMap),
      field('unit', nullable(text)),
    ],
  },
  {
    table: 'rollups_1m',
    topic: signalsRollups,
    hotFields: [],
    columns: [
      field('windowStart', instantMs),
      field('windowEnd', instantMs),
      field('tenant', text),
      field('series', hexId),
      field('name', text),
      field('labels', textMap),
      field('count', count),
      field('sum', float64),
      field('min', float64),
      field('max', float64),
      field('mean', float64),
      field('sketch', blob),
    ],
  },
  {
    table: 'baselines',
    topic: signalsBaselines,
    hotFields: [],
    columns: [
      field('timestamp', instantMs),
      field('tenant', text),
      field('series', hexId),
      field('name', text),
      field('labels', textMap),
      field('expected', float64),
      field('lower', float64),
      field('upper', float64),
      field('spread', float64),
      field('samples', count),
      field('detector', text),
      field('detectorVersion', int32),
    ],
  },
  {
    table: 'anomalies',
    topic: signalsAnomalies,
    hotFields: [],
    columns: [
      field('id', text),
      field('revision', int32),
      field('phase', text),
      field('tenant', text),
      field('series', hexId),
      field('name', text),
      field('labels', textMap),
      field('service', nullable(text)),
      field('kind', text),
      field('timestamp', instantMs),
      field('start', instantMs),
      field('peak', instantMs),
      field('end', nullable(instantMs)),
      field('value', float64),
      field('peakValue', float64),
      field('expected', float64),
      field('lower', float64),
      field('upper', float64),
      field('score', float64),
      field('severity', text),
      field('detector', text),
      field('detectorVersion', int32),
      field('configVersion', int32),
      field('configHash', text),
      field('evidence', evidence),
      field('message', text),
    ],
  },
]

/** Declarations for `input()`, in the order in which the row encoder writes. */
export const inputStructure = ({ columns }: SinkTable): string =>
  ['_offset Int64', ...columns.map(({ name, type }) => `${name} ${type.sql}`)].join(', ')

/** The series of a tenant: what they are, how alive they are, and whether they are unusual now. */
import { conditions, equals, millis, timeOf, type Condition } from './sql.ts'
import type { Storage } from './storage.ts'
import type { StoredNumber } from './numbers.ts'
import { severities, type Severity } from './anomalies.ts'

export interface SeriesRow {
  readonly series: string
  readonly tenant: string
  readonly name: string
  readonly labels: Record<string, string>
  readonly unit: string | null
  readonly first_ms: number
  readonly last_ms: number
  readonly points: number
  /** 0 = nothing unusual now, 1..4 = low..critical. */
  readonly rank: number
  readonly anomaly_id: string
  readonly anomaly_severity: Severity | ''
  readonly anomaly_start_ms: number
  readonly anomaly_message: string
}

export type SeriesSort = 'unusual' | 'name'
export type SeriesPosition = readonly [rank: number, name: string, series: string]

export interface SeriesFilter {
  readonly tenant: string
  readonly words: readonly string[]
  readonly labels: ReadonlyMap<string, string>
  readonly name: string | undefined
  readonly series: string | undefined
  readonly sort: SeriesSort
  readonly after: SeriesPosition | undefined
  readonly limit: number
}

const severityOrder = `[${severities.map((severity) => `'${severity}'`).join(', ')}]`

export const readSeries = (storage: Storage, filter: SeriesFilter): Promise<SeriesRow[]> => {
  const wantedSeries = conditions(
    equals('tenant', filter.tenant),
    equals('name', filter.name),
    equals('series', filter.series),
    ...filter.words.map(mentions),
    ...[...filter.labels].map(hasLabel),
  )
  const page = conditions(filter.after && afterPosition(filter.sort, filter.after))
  return storage.rows<SeriesRow>({
    sql: `
      SELECT known.series AS series, {tenant:String} AS tenant, known.name AS name, known.labels AS labels, known.unit AS unit,
             ${millis('known.first', 'first_ms')}, ${millis('known.last', 'last_ms')},
             known.points AS points, unusual.rank AS rank,
             unusual.worst.1 AS anomaly_id, unusual.worst.2 AS anomaly_severity,
             ${millis('unusual.worst.3', 'anomaly_start_ms')}, unusual.worst.4 AS anomaly_message
      FROM (
        SELECT series, any(name) AS name, anyLast(labels) AS labels, anyLast(unit) AS unit,
               min(first_seen) AS first, max(last_seen) AS last, sum(points) AS points
        FROM (SELECT * FROM series WHERE ${wantedSeries.sql})
        GROUP BY series
      ) AS known
      LEFT JOIN (
        SELECT series, max(indexOf(${severityOrder}, severity)) AS rank,
               argMax((id, severity, start, message), (indexOf(${severityOrder}, severity), start)) AS worst
        FROM (
          SELECT id, series, severity, start, message FROM anomalies_latest
          WHERE tenant = {tenant:String} AND phase != 'closed'
        )
        GROUP BY series
      ) AS unusual ON known.series = unusual.series
      WHERE ${page.sql}
      ORDER BY ${filter.sort === 'unusual' ? 'rank DESC, ' : ''}name, series
      LIMIT {wanted:UInt32}`,
    params: { ...wantedSeries.params, ...page.params, wanted: filter.limit + 1 },
  })
}

/** A word is looked for in the name and in all label keys and values, whatever its case. */
const mentions = (word: string, index: number): Condition => ({
  sql: `positionCaseInsensitiveUTF8(concat(name, ' ', arrayStringConcat(arrayMap((key, text) -> concat(key, '=', text), mapKeys(labels), mapValues(labels)), ' ')), {word_${index}:String}) > 0`,
  params: { [`word_${index}`]: word },
})

const hasLabel = ([key, value]: readonly [string, string], index: number): Condition => ({
  sql: `labels[{label_key_${index}:String}] = {label_value_${index}:String}`,
  params: { [`label_key_${index}`]: key, [`label_value_${index}`]: value },
})

const afterPosition = (sort: SeriesSort, [rank, name, series]: SeriesPosition): Condition => ({
  sql: `(${sort === 'unusual' ? '-toInt32(rank)' : '0'}, name, series) > ({after_rank:Int32}, {after_name:String}, {after_series:String})`,
  params: {
    after_rank: sort === 'unusual' ? -rank : 0,
    after_name: name,
    after_series: series,
  },
})

export interface LatestRow {
  readonly series: string
  readonly value: StoredNumber
}

/** The newest value of each of a page of series: found by key, since the newest time is known. */
export const readLatest = (storage: Storage, { tenant, page }: SeriesPage): Promise<LatestRow[]> =>
  page.length === 0
    ? Promise.resolve([])
    : storage.rows<LatestRow>({
        sql: `
          SELECT series, argMax(value, _offset) AS value
          FROM metrics
          WHERE tenant = {tenant:String} AND (series, timestamp) IN (${newestOfPage})
          GROUP BY series`,
        params: pageParams({ tenant, page }),
      })

export interface SeriesPage {
  readonly tenant: string
  readonly page: readonly SeriesRow[]
}

/** Series and newest time of each row of a page; two lists, since a parameter holds no pairs. */
const newestOfPage = `
  SELECT CAST(pair.1, 'FixedString(32)') AS series, fromUnixTimestamp64Milli(toInt64(pair.2), 'UTC') AS newest
  FROM (SELECT arrayJoin(arrayZip({series:Array(String)}, {times:Array(String)})) AS pair)`

const pageParams = ({ tenant, page }: SeriesPage) => ({
  tenant,
  series: page.map((row) => row.series),
  times: page.map((row) => String(row.last_ms)),
})

export interface SparkRow {
  readonly series: string
  readonly values: readonly StoredNumber[]
}

/** The last minutes of each series as means, oldest first: enough for a line the size of a word. */
export const readSparks = (
  storage: Storage,
  { tenant, page, minutes }: SeriesPage & { readonly minutes: number },
): Promise<SparkRow[]> => {
  if (page.length === 0) return Promise.resolve([])
  const oldestMs = Math.min(...page.map((row) => row.last_ms)) - minutes * 60_000
  return storage.rows<SparkRow>({
    sql: `
      SELECT series, arrayMap(pair -> pair.2, arraySort(groupArray((bucket, mean)))) AS values
      FROM (
        SELECT m.series AS series, toStartOfMinute(m.timestamp) AS bucket, avg(m.value) AS mean
        FROM metrics AS m
        INNER JOIN (${newestOfPage}) AS known ON m.series = known.series
        WHERE m.tenant = {tenant:String} AND m.series IN {series:Array(String)}
          AND m.timestamp > ${timeOf('oldest_ms')}
          AND m.timestamp > known.newest - toIntervalMinute({minutes:UInt16})
        GROUP BY series, bucket
      )
      GROUP BY series`,
    params: { ...pageParams({ tenant, page }), oldest_ms: oldestMs, minutes },
  })
}

/** One series over time: raw points or roll-ups of any whole number of minutes, and its band. */
import { millis, timeOf } from './sql.ts'
import type { Storage } from './storage.ts'
import type { StoredNumber } from './numbers.ts'

export interface SeriesStretch {
  readonly tenant: string
  readonly series: string
  readonly fromMs: number
  readonly toMs: number
}

export interface PointRow {
  readonly at_ms: number
  readonly value: StoredNumber
  readonly min: StoredNumber
  readonly max: StoredNumber
  readonly count: number
}

export interface BandRow {
  readonly at_ms: number
  readonly expected: StoredNumber
  readonly lower: StoredNumber
  readonly upper: StoredNumber
  readonly detector: string
  readonly detector_version: number
}

const ofSeries = 'tenant = {tenant:String} AND series = {series:String}'

const paramsOf = ({ tenant, series, fromMs, toMs }: SeriesStretch) => ({
  tenant,
  series,
  from_ms: fromMs,
  to_ms: toMs,
})

const during = (column: string): string =>
  `${column} >= ${timeOf('from_ms')} AND ${column} < ${timeOf('to_ms')}`

export const countPoints = async (
  storage: Storage,
  stretch: SeriesStretch,
): Promise<{ rawPoints: number; rolledUpPoints: number }> => {
  const rows = await storage.rows<{ raw: number; rolled_up: number }>({
    sql: `
      SELECT
        (SELECT count() FROM metrics WHERE ${ofSeries} AND ${during('timestamp')}) AS raw,
        (SELECT sum(count) FROM rollups_1m WHERE ${ofSeries} AND ${during('window_start')}
           AND window_end <= ${timeOf('to_ms')}) AS rolled_up`,
    params: paramsOf(stretch),
  })
  return { rawPoints: rows[0]?.raw ?? 0, rolledUpPoints: rows[0]?.rolled_up ?? 0 }
}

/** Newest first in the database, so that a limit keeps the newest; ascending in the answer. */
export const readRawPoints = async (
  storage: Storage,
  { stretch, limit }: { stretch: SeriesStretch; limit: number },
): Promise<PointRow[]> => {
  const rows = await storage.rows<PointRow>({
    sql: `
      SELECT ${millis('timestamp', 'at_ms')}, value, value AS min, value AS max, 1 AS count
      FROM metrics
      WHERE ${ofSeries} AND ${during('timestamp')}
      ORDER BY timestamp DESC, _offset DESC
      LIMIT {limit:UInt32}`,
    params: { ...paramsOf(stretch), limit },
  })
  return rows.reverse()
}

export const readRollups = async (
  storage: Storage,
  options: { stretch: SeriesStretch; stepMinutes: number; limit: number },
): Promise<PointRow[]> => {
  const { stretch, stepMinutes, limit } = options
  const rows = await storage.rows<PointRow>({
    sql: `
      SELECT toInt64(toUnixTimestamp(toStartOfInterval(window_start, toIntervalMinute({step:UInt32}), 'UTC'))) * 1000 AS at_ms,
             sum(r.sum) / sum(r.count) AS value, min(r.min) AS min, max(r.max) AS max, sum(r.count) AS count
      FROM rollups_1m AS r
      WHERE ${ofSeries} AND ${during('window_start')}
      GROUP BY at_ms
      ORDER BY at_ms DESC
      LIMIT {limit:UInt32}`,
    params: { ...paramsOf(stretch), step: stepMinutes, limit },
  })
  return rows.reverse()
}

/** The newest baseline of each step within the stretch, and the one in force when it begins. */
export const readBand = async (
  storage: Storage,
  options: { stretch: SeriesStretch; stepMs: number; limit: number },
): Promise<BandRow[]> => {
  const { stretch, stepMs, limit } = options
  const columns = `${millis('timestamp', 'at_ms')}, expected, lower, upper, detector, detector_version`
  const [before, rows] = await Promise.all([
    storage.rows<BandRow>({
      sql: `
        SELECT ${columns} FROM baselines
        WHERE ${ofSeries} AND timestamp < ${timeOf('from_ms')}
        ORDER BY timestamp DESC LIMIT 1`,
      params: paramsOf(stretch),
    }),
    storage.rows<BandRow>({
      sql: `
        SELECT ${columns} FROM baselines
        WHERE ${ofSeries} AND ${during('timestamp')}
        ORDER BY timestamp DESC, _offset DESC
        LIMIT 1 BY intDiv(at_ms, {step_ms:Int64})
        LIMIT {limit:UInt32}`,
      params: { ...paramsOf(stretch), step_ms: stepMs, limit },
    }),
  ])
  return [...before, ...rows.reverse()]
}

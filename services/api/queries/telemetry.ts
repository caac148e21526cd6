/**
 * The newest points of a tenant, newest first.
 *
 * The table is sorted by series and then by time, so "newest of everything" would read all of a
 * tenant. The search therefore starts with a short stretch that ends at the newest point and
 * widens until the page is full: exact, and cheap whenever points are dense.
 */
import { conditions, equals, millis, timeOf, within, type Condition } from './sql.ts'
import type { Storage } from './storage.ts'
import type { StoredNumber } from './numbers.ts'

export interface TelemetryRow {
  readonly at_ms: number
  readonly tenant: string
  readonly series: string
  readonly name: string
  readonly labels: Record<string, string>
  readonly value: StoredNumber
  readonly unit: string | null
  readonly partition: number
  readonly offset: number
}

/** Position of a row in the list: time, then where it stood in Kafka (unique). */
export type TelemetryPosition = readonly [atMs: number, partition: number, offset: number]

export interface TelemetryFilter {
  readonly tenant: string
  readonly name: string | undefined
  readonly series: string | undefined
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  readonly after: TelemetryPosition | undefined
  readonly limit: number
}

const minuteMs = 60_000
export const stretchesMs = [
  10 * minuteMs,
  3 * 60 * minuteMs,
  2 * 24 * 60 * minuteMs,
  Number.POSITIVE_INFINITY,
] as const

export const readTelemetry = async (
  storage: Storage,
  filter: TelemetryFilter,
): Promise<TelemetryRow[]> => {
  const newestMs = await readNewestMs(storage, filter)
  if (newestMs === undefined) return []
  const endMs = Math.min(newestMs + 1, filter.toMs ?? Infinity, (filter.after?.[0] ?? Infinity) + 1)
  const wanted = filter.limit + 1
  for (const stretchMs of stretchesMs) {
    const startMs = Math.max(filter.fromMs ?? -Infinity, endMs - stretchMs)
    const rows = await readStretch(storage, { filter, startMs, endMs, wanted })
    const isWhole = startMs === -Infinity || startMs === filter.fromMs
    if (rows.length >= wanted || isWhole) return rows
  }
  return []
}

const readNewestMs = async (
  storage: Storage,
  { tenant, name, series }: TelemetryFilter,
): Promise<number | undefined> => {
  const where = conditions(equals('tenant', tenant), equals('name', name), equals('series', series))
  const rows = await storage.rows<{ newest_ms: number; found: number }>({
    sql: `SELECT ${millis('max(last_seen)', 'newest_ms')}, count() AS found FROM series WHERE ${where.sql}`,
    params: where.params,
  })
  const newest = rows[0]
  return newest === undefined || newest.found === 0 ? undefined : newest.newest_ms
}

const readStretch = (
  storage: Storage,
  options: { filter: TelemetryFilter; startMs: number; endMs: number; wanted: number },
): Promise<TelemetryRow[]> => {
  const { filter, startMs, endMs, wanted } = options
  const where = conditions(
    equals('tenant', filter.tenant),
    equals('name', filter.name),
    equals('series', filter.series),
    within('timestamp', { fromMs: startMs === -Infinity ? undefined : startMs, toMs: endMs }),
    filter.after && olderThan(filter.after),
  )
  return storage.rows<TelemetryRow>({
    sql: `
      SELECT ${millis('timestamp', 'at_ms')}, tenant, series, name, labels, value, unit,
             _partition AS partition, _offset AS offset
      FROM metrics
      WHERE ${where.sql}
      ORDER BY timestamp DESC, _partition DESC, _offset DESC
      LIMIT {wanted:UInt32}`,
    params: { ...where.params, wanted },
  })
}

const olderThan = ([atMs, partition, offset]: TelemetryPosition): Condition => ({
  sql: `(timestamp, _partition, _offset) < (${timeOf('after_ms')}, {after_partition:Int32}, {after_offset:Int64})`,
  params: { after_ms: atMs, after_partition: partition, after_offset: offset },
})

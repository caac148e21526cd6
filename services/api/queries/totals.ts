/** What there is in all, and how fresh: the numbers behind /api/status. */
import { Problem } from '../../shared/problem.ts'
import { millis, ofTenants } from './sql.ts'
import type { Storage } from './storage.ts'

export interface TotalsRow {
  readonly tenants: number
  readonly series: number
  readonly points: number
  readonly newest_ms: number
  readonly ingested_ms: number
}

const readTotals = async (storage: Storage, tenants: string): Promise<TotalsRow> => {
  const rows = await storage.rows<TotalsRow>({
    sql: `
      SELECT uniqExact(tenant) AS tenants, uniqExact(series) AS series, sum(points) AS points,
             ${millis('max(last_seen)', 'newest_ms')}, ${millis('max(last_ingested)', 'ingested_ms')}
      FROM series
      WHERE ${ofTenants}`,
    params: { tenants },
  })
  return rows[0] ?? { tenants: 0, series: 0, points: 0, newest_ms: 0, ingested_ms: 0 }
}

export interface EpisodeTotalsRow {
  readonly episodes: number
  readonly open: number
}

const readEpisodeTotals = async (storage: Storage, tenants: string): Promise<EpisodeTotalsRow> => {
  const rows = await storage.rows<EpisodeTotalsRow>({
    sql: `SELECT count() AS episodes, countIf(phase != 'closed') AS open FROM anomalies_latest WHERE ${ofTenants}`,
    params: { tenants },
  })
  return rows[0] ?? { episodes: 0, open: 0 }
}

export interface GapRow {
  readonly topic: string
  readonly partition: number
  readonly kind: string
  readonly from_offset: number
  readonly to_offset: number | null
  readonly detail: string
}

/** What the sink wanted and Kafka no longer had; gaps somebody has acknowledged are settled. */
const readGaps = (storage: Storage): Promise<GapRow[]> =>
  storage.rows<GapRow>({
    sql: `
      SELECT topic, partition, kind, from_offset, to_offset, detail
      FROM sink_gaps FINAL
      WHERE acknowledged_by IS NULL
      ORDER BY recorded_at DESC
      LIMIT 20`,
  })

export interface Stored {
  readonly totals: TotalsRow
  readonly episodes: EpisodeTotalsRow
  readonly gaps: readonly GapRow[]
}

/** Undefined while ClickHouse is away: who asks about the state of things wants an answer then too. */
export const readStored = async (
  storage: Storage,
  tenants: string,
): Promise<Stored | undefined> => {
  try {
    const [totals, episodes, gaps] = await Promise.all([
      readTotals(storage, tenants),
      readEpisodeTotals(storage, tenants),
      readGaps(storage),
    ])
    return { totals, episodes, gaps }
  } catch (error) {
    if (error instanceof Problem && error.status === 503) return undefined
    throw error
  }
}

import { millis, ofTenants } from './sql.ts'
import type { Storage } from './storage.ts'

export interface TenantRow {
  readonly tenant: string
  readonly series: number
  readonly points: number
  readonly first_ms: number
  readonly last_ms: number
  readonly open_anomalies: number
}

export const readTenants = (
  storage: Storage,
  { tenants, after, limit }: { tenants: string; after: string; limit: number },
): Promise<TenantRow[]> =>
  storage.rows<TenantRow>({
    sql: `
      SELECT known.tenant AS tenant, known.series AS series, known.points AS points,
             ${millis('known.first_seen', 'first_ms')}, ${millis('known.last_seen', 'last_ms')},
             unusual.episodes AS open_anomalies
      FROM (
        SELECT tenant, uniqExact(series) AS series, sum(points) AS points,
               min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM series
        WHERE tenant > {after:String} AND ${ofTenants}
        GROUP BY tenant
        ORDER BY tenant
        LIMIT {wanted:UInt32}
      ) AS known
      LEFT JOIN (
        SELECT tenant, count() AS episodes FROM anomalies_latest
        WHERE tenant > {after:String} AND phase != 'closed' AND ${ofTenants}
        GROUP BY tenant
      ) AS unusual ON known.tenant = unusual.tenant
      ORDER BY tenant`,
    params: { tenants, after, wanted: limit + 1 },
  })

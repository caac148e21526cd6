/**
 * Anomalies as they stand: of each episode the revision with the highest number.
 *
 * Conditions on what never changes within an episode (tenant, series, service, start) narrow the
 * read; conditions on what does change (severity, phase, end) may only be applied to the newest
 * revision, or an episode that was critical and is not any more would be found by its past.
 */
import { conditions, equals, millis, timeOf, type Condition } from './sql.ts'
import type { Storage } from './storage.ts'
import type { StoredNumber } from './numbers.ts'

export const severities = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof severities)[number]
export type EpisodeState = 'open' | 'closed'

export interface EvidenceRow {
  readonly name: string
  readonly value: StoredNumber
  readonly unit: string | null
  readonly detail: string | null
}

export interface AnomalyRow {
  readonly id: string
  readonly revision: number
  readonly phase: 'open' | 'peak' | 'closed'
  readonly tenant: string
  readonly series: string
  readonly name: string
  readonly labels: Record<string, string>
  readonly service: string | null
  readonly kind: string
  readonly timestamp_ms: number
  readonly start_ms: number
  readonly peak_ms: number
  readonly end_ms: number | null
  readonly value: StoredNumber
  readonly peak_value: StoredNumber
  readonly expected: StoredNumber
  readonly lower: StoredNumber
  readonly upper: StoredNumber
  readonly score: StoredNumber
  readonly severity: Severity
  readonly detector: string
  readonly detector_version: number
  readonly config_version: number
  readonly config_hash: string
  readonly evidence: readonly EvidenceRow[]
  readonly message: string
}

export type AnomalyPosition = readonly [startMs: number, id: string]

export interface AnomalyFilter {
  readonly tenant: string
  readonly service: string | undefined
  readonly series: string | undefined
  readonly severity: readonly Severity[] | undefined
  readonly state: EpisodeState | undefined
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  readonly after: AnomalyPosition | undefined
  readonly limit: number
}

const columns = `
  id, revision, phase, tenant, series, name, labels, service, kind,
  ${millis('timestamp', 'timestamp_ms')}, ${millis('start', 'start_ms')},
  ${millis('peak', 'peak_ms')}, ${millis('end', 'end_ms')},
  value, peak_value, expected, lower, upper, score, severity,
  detector, detector_version, config_version, config_hash, evidence, message`

/** Newest first by start; one row more than asked tells whether there is a next page. */
export const readAnomalies = (storage: Storage, filter: AnomalyFilter): Promise<AnomalyRow[]> => {
  const fixed = conditions(
    equals('tenant', filter.tenant),
    equals('service', filter.service),
    equals('series', filter.series),
    startedBefore(filter.toMs),
    filter.after && startedBeforePosition(filter.after),
  )
  const current = conditions(
    notEndedBefore(filter.fromMs),
    withSeverity(filter.severity),
    inState(filter.state),
  )
  return storage.rows<AnomalyRow>({
    sql: `
      SELECT ${columns}
      FROM (
        SELECT * FROM anomalies
        WHERE ${fixed.sql}
        ORDER BY id, revision DESC
        LIMIT 1 BY id
      )
      WHERE ${current.sql}
      ORDER BY start DESC, id DESC
      LIMIT {wanted:UInt32}`,
    params: { ...fixed.params, ...current.params, wanted: filter.limit + 1 },
  })
}

/** All that was ever said about one episode, oldest revision first. */
export const readRevisions = (
  storage: Storage,
  { tenant, id }: { tenant: string; id: string },
): Promise<AnomalyRow[]> =>
  storage.rows<AnomalyRow>({
    sql: `
      SELECT ${columns} FROM anomalies
      WHERE tenant = {tenant:String} AND id = {id:String}
      ORDER BY revision
      LIMIT 1 BY revision
      LIMIT 1000`,
    params: { tenant, id },
  })

const startedBefore = (toMs: number | undefined): Condition | undefined =>
  toMs === undefined ? undefined : { sql: `start < ${timeOf('to_ms')}`, params: { to_ms: toMs } }

const startedBeforePosition = ([startMs, id]: AnomalyPosition): Condition => ({
  sql: `(start, id) < (${timeOf('after_ms')}, {after_id:String})`,
  params: { after_ms: startMs, after_id: id },
})

/** An episode that has not ended overlaps everything after its start. */
const notEndedBefore = (fromMs: number | undefined): Condition | undefined =>
  fromMs === undefined
    ? undefined
    : { sql: `end IS NULL OR end >= ${timeOf('from_ms')}`, params: { from_ms: fromMs } }

const withSeverity = (wanted: readonly Severity[] | undefined): Condition | undefined =>
  wanted === undefined
    ? undefined
    : { sql: 'severity IN {severities:Array(String)}', params: { severities: wanted } }

const inState = (state: EpisodeState | undefined): Condition | undefined =>
  state === undefined
    ? undefined
    : { sql: state === 'open' ? "phase != 'closed'" : "phase = 'closed'" }

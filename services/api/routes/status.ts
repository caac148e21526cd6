/** GET /api/status: how the whole installation does, in numbers and in words. */
import Type from 'typebox'
import { readStored, type Stored } from '../queries/totals.ts'
import { summarise } from '../readiness.ts'
import { inWords } from '../status-words.ts'
import { isoOf } from '../time-range.ts'
import type { ApiInstance, ApiPorts } from '../ports.ts'
import { partSchema } from './health.ts'
import * as schema from './schemas.ts'

const totals = Type.Object({
  tenants: Type.Integer(),
  series: Type.Integer(),
  points: Type.Integer(),
  anomalies: Type.Integer({ description: 'Episodes, open and closed.' }),
  open_anomalies: Type.Integer(),
  newest_point: schema.nullable(schema.isoTime),
  newest_arrival: schema.nullable(schema.isoTime),
})

const gap = Type.Object({
  topic: Type.String(),
  partition: Type.Integer(),
  kind: Type.String(),
  from_offset: Type.Integer(),
  to_offset: schema.nullable(Type.Integer()),
  detail: Type.String(),
})

const lag = Type.Object({
  seconds_since_arrival: schema.nullable(Type.Number()),
  consumers: Type.Array(
    Type.Object({
      consumer: Type.String({ examples: ['sink', 'anomalies'] }),
      topic: schema.nullable(Type.String({ description: 'Null: all its inputs together.' })),
      records: Type.Integer(),
    }),
    { description: 'Records that the sink and each pipeline have still to read.' },
  ),
})

const answer = Type.Object({
  ready: Type.Boolean(),
  checked_at: schema.isoTime,
  words: Type.Array(Type.String(), { description: 'The state in sentences, the worst first.' }),
  processes: Type.Array(partSchema),
  totals: schema.nullable(totals),
  lags: lag,
  data_folder: schema.nullable(
    Type.String({ description: 'What commands need as --data; null where they need none.' }),
  ),
  gaps: Type.Array(gap, { description: 'Records that can never reach ClickHouse; newest first.' }),
})

export const statusRoutes = (app: ApiInstance, ports: ApiPorts): void => {
  app.get(
    '/api/status',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['status'],
        summary: 'How the whole installation does, in numbers and in words',
        description: 'Answers even when parts are down; `totals` is null while ClickHouse is away.',
        response: { 200: answer },
      },
    },
    async ({ principal }) => {
      const nowMs = ports.nowMs()
      const [readiness, stored, consumers] = await Promise.all([
        ports.readiness.current(),
        readStored(ports.storage, principal.tenants),
        ports.consumerLag().catch(() => []),
      ])
      const idleMs = stored === undefined ? undefined : nowMs - stored.totals.ingested_ms
      const hasPoints = stored !== undefined && stored.totals.points > 0
      return {
        ready: readiness.ready,
        checked_at: isoOf(readiness.checkedAtMs),
        words: [summarise(readiness), ...inWords({ stored, consumers, nowMs })],
        processes: [...readiness.parts],
        totals: stored === undefined ? null : toTotals(stored),
        lags: {
          seconds_since_arrival: hasPoints && idleMs !== undefined ? idleMs / 1000 : null,
          consumers: [...consumers],
        },
        data_folder: ports.dataFolder ?? null,
        gaps: [...(stored?.gaps ?? [])],
      }
    },
  )
}

const toTotals = ({ totals, episodes }: Stored) => ({
  tenants: totals.tenants,
  series: totals.series,
  points: totals.points,
  anomalies: episodes.episodes,
  open_anomalies: episodes.open,
  newest_point: totals.points === 0 ? null : isoOf(totals.newest_ms),
  newest_arrival: totals.points === 0 ? null : isoOf(totals.ingested_ms),
})

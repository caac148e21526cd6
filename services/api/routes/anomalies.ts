/** GET /api/anomalies: what was or is unusual; one item per episode, as its newest revision has it. */
import Type from 'typebox'
import { decodeCursor, encodeCursor, pageOf } from '../cursor.ts'
import { apiProblem } from '../problem.ts'
import { readAnomalies, readRevisions, type AnomalyRow } from '../queries/anomalies.ts'
import { toJsonNumber } from '../queries/numbers.ts'
import { isoOf, isoOrNull, parseTimeRange } from '../time-range.ts'
import type { ApiInstance, ApiPorts } from '../ports.ts'
import * as schema from './schemas.ts'

export const anomalySchema = Type.Object({
  id: Type.String({ description: 'Identity of the episode: 32 hex digits.' }),
  revision: Type.Integer(),
  phase: Type.Enum(['open', 'peak', 'closed'], { description: 'What this revision reports.' }),
  state: Type.Enum(['open', 'closed'], { description: 'Whether the episode still holds.' }),
  tenant: Type.String(),
  series: schema.seriesId,
  name: Type.String({ examples: ['system.cpu.utilization'] }),
  labels: schema.labels,
  service: schema.nullable(Type.String()),
  kind: Type.String({ examples: ['metric'] }),
  timestamp: schema.isoTime,
  start: schema.isoTime,
  peak: schema.isoTime,
  end: schema.nullable(schema.isoTime),
  value: schema.jsonNumber,
  peak_value: schema.jsonNumber,
  expected: schema.jsonNumber,
  lower: schema.jsonNumber,
  upper: schema.jsonNumber,
  score: schema.jsonNumber,
  severity: schema.severity,
  detector: Type.String({ examples: ['zscore'] }),
  detector_version: Type.Integer(),
  config_version: Type.Integer(),
  config_hash: Type.String(),
  evidence: Type.Array(
    Type.Object({
      name: Type.String(),
      value: schema.jsonNumber,
      unit: schema.nullable(Type.String()),
      detail: schema.nullable(Type.String()),
    }),
  ),
  message: Type.String({
    examples: [
      'cpu of web-1 is 0.94, usually 0.31 (upper edge 0.42): 6.2 standard deviations above',
    ],
  }),
})

const listQuery = schema.queryOf({
  tenant: schema.tenantParameter,
  service: Type.Optional(Type.String({ maxLength: 500, description: 'Only of this service.' })),
  series: Type.Optional(schema.seriesParameter),
  severity: Type.Optional(
    Type.Array(schema.severity, { maxItems: 4, description: 'Only these; may be repeated.' }),
  ),
  state: Type.Optional(
    Type.Enum(['open', 'closed'], { description: 'Still holding, or over; both when left out.' }),
  ),
  from: schema.fromParameter,
  to: schema.toParameter,
  limit: schema.limitParameter({ default: 100, maximum: 1000 }),
  cursor: schema.cursorParameter,
})

export const anomalyRoutes = (app: ApiInstance, { storage }: ApiPorts): void => {
  app.get(
    '/api/anomalies',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['anomalies'],
        summary: 'Anomalies, newest first',
        description:
          'The last 100 by default. With `from` and `to`: the episodes that overlap [from, to); one that has not ended overlaps everything after its start.',
        querystring: listQuery,
        response: { 200: schema.pageOfItems(anomalySchema), ...schema.problemResponses },
      },
    },
    async (request) => {
      const { limit, cursor, from, to, ...wanted } = request.query
      const after = decodeCursor('anomalies', ['number', 'string'], cursor)
      const rows = await readAnomalies(storage, {
        tenant: request.principal.tenant,
        service: wanted.service,
        series: wanted.series,
        severity: wanted.severity,
        state: wanted.state,
        ...parseTimeRange({ from, to }),
        after,
        limit,
      })
      return pageOf({ rows, limit, toItem: toAnomaly, cursorOf })
    },
  )

  app.get(
    '/api/anomalies/:id',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['anomalies'],
        summary: 'One anomaly with all its revisions',
        params: Type.Object({
          id: Type.String({
            minLength: 1,
            maxLength: 64,
            description: 'Identity of the episode, as /api/anomalies lists it.',
          }),
        }),
        querystring: schema.queryOf({ tenant: schema.tenantParameter }),
        response: {
          200: Type.Object({
            anomaly: anomalySchema,
            revisions: Type.Array(anomalySchema, { description: 'Oldest first.' }),
          }),
          ...schema.problemResponses,
          ...schema.notFoundResponse,
        },
      },
    },
    async (request) => {
      const { id } = request.params
      const { tenant } = request.principal
      const revisions = (await readRevisions(storage, { tenant, id })).map(toAnomaly)
      const anomaly = revisions.at(-1)
      if (anomaly !== undefined) return { anomaly, revisions }
      const at = { field: 'id', value: id, limit: `the id of an anomaly of tenant ${tenant}` }
      throw apiProblem('unknown-anomaly', `tenant ${tenant} has no anomaly ${id}`, { at })
    },
  )
}

const cursorOf = (row: AnomalyRow): string => encodeCursor('anomalies', [row.start_ms, row.id])

export const toAnomaly = (row: AnomalyRow) => ({
  id: row.id,
  revision: row.revision,
  phase: row.phase,
  state: row.phase === 'closed' ? ('closed' as const) : ('open' as const),
  tenant: row.tenant,
  series: row.series,
  name: row.name,
  labels: row.labels,
  service: row.service,
  kind: row.kind,
  timestamp: isoOf(row.timestamp_ms),
  start: isoOf(row.start_ms),
  peak: isoOf(row.peak_ms),
  end: isoOrNull(row.end_ms),
  value: toJsonNumber(row.value),
  peak_value: toJsonNumber(row.peak_value),
  expected: toJsonNumber(row.expected),
  lower: toJsonNumber(row.lower),
  upper: toJsonNumber(row.upper),
  score: toJsonNumber(row.score),
  severity: row.severity,
  detector: row.detector,
  detector_version: row.detector_version,
  config_version: row.config_version,
  config_hash: row.config_hash,
  evidence: row.evidence.map((piece) => ({ ...piece, value: toJsonNumber(piece.value) })),
  message: row.message,
})

/** GET /api/telemetry: the newest points, whatever series they belong to. */
import Type from 'typebox'
import { decodeCursor, encodeCursor, pageOf } from '../cursor.ts'
import { toJsonNumber } from '../queries/numbers.ts'
import { readTelemetry, type TelemetryRow } from '../queries/telemetry.ts'
import { isoOf, parseTimeRange } from '../time-range.ts'
import type { ApiInstance, ApiPorts } from '../ports.ts'
import * as schema from './schemas.ts'

const point = Type.Object({
  timestamp: schema.isoTime,
  tenant: Type.String(),
  series: schema.seriesId,
  name: Type.String({ examples: ['system.cpu.utilization'] }),
  labels: schema.labels,
  value: schema.jsonNumber,
  unit: schema.nullable(Type.String()),
})

const query = schema.queryOf({
  tenant: schema.tenantParameter,
  name: Type.Optional(Type.String({ maxLength: 500, description: 'Only metrics of this name.' })),
  series: Type.Optional(schema.seriesParameter),
  from: schema.fromParameter,
  to: schema.toParameter,
  limit: schema.limitParameter({ default: 100, maximum: 1000 }),
  cursor: schema.cursorParameter,
})

const describe = (summary: string) => ({
  tags: ['telemetry'],
  summary,
  description: 'Newest first. Without `from` and `to` the newest points there are, however old.',
  querystring: query,
  response: { 200: schema.pageOfItems(point), ...schema.problemResponses },
})

export const telemetryRoutes = (app: ApiInstance, { storage }: ApiPorts): void => {
  const paths = [
    { url: '/api/telemetry', summary: 'Latest points' },
    { url: '/telemetry', summary: 'Latest points (alias of /api/telemetry)' },
  ]
  for (const { url, summary } of paths) {
    app.get(
      url,
      { config: { access: { role: 'viewer' } }, schema: describe(summary) },
      async (request) => {
        const { tenant } = request.principal
        const { name, series, limit, cursor, tenant: _, ...times } = request.query
        const { fromMs, toMs } = parseTimeRange(times)
        const after = decodeCursor('telemetry', ['number', 'number', 'number'], cursor)
        const rows = await readTelemetry(storage, {
          tenant,
          name,
          series,
          fromMs,
          toMs,
          after,
          limit,
        })
        return pageOf({ rows, limit, toItem, cursorOf })
      },
    )
  }
}

const cursorOf = (row: TelemetryRow): string =>
  encodeCursor('telemetry', [row.at_ms, row.partition, row.offset])

const toItem = (row: TelemetryRow) => ({
  timestamp: isoOf(row.at_ms),
  tenant: row.tenant,
  series: row.series,
  name: row.name,
  labels: row.labels,
  value: toJsonNumber(row.value),
  unit: row.unit,
})

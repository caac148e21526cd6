/** GET /api/tenants: who has telemetry here. */
import Type from 'typebox'
import { decodeCursor, encodeCursor, pageOf } from '../cursor.ts'
import { readTenants, type TenantRow } from '../queries/tenants.ts'
import { isoOf } from '../time-range.ts'
import type { ApiInstance, ApiPorts } from '../ports.ts'
import * as schema from './schemas.ts'

const tenant = Type.Object({
  tenant: Type.String({ examples: ['default', 'replay-nab'] }),
  series: Type.Integer(),
  points: Type.Integer(),
  first_seen: schema.isoTime,
  last_seen: schema.isoTime,
  open_anomalies: Type.Integer(),
})

const query = schema.queryOf({
  limit: schema.limitParameter({ default: 100, maximum: 1000 }),
  cursor: schema.cursorParameter,
})

export const tenantRoutes = (app: ApiInstance, { storage }: ApiPorts): void => {
  app.get(
    '/api/tenants',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['tenants'],
        summary: 'Tenants by name; with a key or token of one tenant, that one',
        querystring: query,
        response: { 200: schema.pageOfItems(tenant), ...schema.problemResponses },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const [after] = decodeCursor('tenants', ['string'], cursor) ?? ['']
      const { tenants } = request.principal
      const rows = await readTenants(storage, { tenants, after, limit })
      return pageOf({
        rows,
        limit,
        toItem,
        cursorOf: (row) => encodeCursor('tenants', [row.tenant]),
      })
    },
  )
}

const toItem = (row: TenantRow) => ({
  tenant: row.tenant,
  series: row.series,
  points: row.points,
  first_seen: isoOf(row.first_ms),
  last_seen: isoOf(row.last_ms),
  open_anomalies: row.open_anomalies,
})

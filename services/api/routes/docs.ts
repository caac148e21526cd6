/** OpenAPI 3.1 at /docs/json and its page at /docs, both served from here. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { openRoutes } from '../../shared/identity/guard.ts'
import type { ApiInstance } from '../ports.ts'

const about = `Answers of Millrace: telemetry, series with their learned band, anomalies, state.

- Lists answer \`{items, next}\`; give \`next\` as \`cursor\` for the next page.
- Times in answers are ISO 8601 UTC. \`from\` and \`to\` take ISO 8601 or epoch milliseconds, [from, to).
- NaN and infinities, which JSON lacks, are the strings "NaN", "Infinity" and "-Infinity".
- Every request needs a key (\`X-API-Key\`) or a token (\`Authorization: Bearer\`) of the tenant; on loopback, by default, none.
- Errors are problem documents (RFC 9457) with \`code\`, \`field\`, \`value\` and \`limit\`.
- ClickHouse away: 503 with \`Retry-After\`.`

export const docs = async (app: ApiInstance): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Millrace query API', version: '1', description: about },
      components: {
        securitySchemes: {
          key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        },
      },
      security: [{ key: [] }, { token: [] }, {}],
      tags: [
        { name: 'telemetry', description: 'Points as they came' },
        { name: 'series', description: 'Series, their band and what is unusual on them' },
        { name: 'anomalies', description: 'Episodes in which a series left its band' },
        { name: 'tenants', description: 'Who has telemetry here' },
        { name: 'status', description: 'The installation as a whole' },
        { name: 'identity', description: 'Who asks' },
        { name: 'health', description: 'For supervisors and Prometheus' },
      ],
    },
  })
  await app.register(async (open: ApiInstance) => {
    openRoutes(open)
    await open.register(swaggerUi, {
      routePrefix: '/docs',
      // The default speaks of validator.swagger.io: this page must not call anybody.
      uiConfig: { validatorUrl: null, deepLinking: true },
      staticCSP: {
        'default-src': ["'self';"],
        'script-src': ["'self';"],
        'style-src': ["'self' 'unsafe-inline';"],
        'img-src': ["'self' data:;"],
        'base-uri': ["'none';"],
        'frame-ancestors': ["'none';"],
      },
    })
  })
}

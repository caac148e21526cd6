/** What /docs says of the API as a whole. */
import type { Documentation } from '../../shared/docs.ts'

const description = `Answers of Millrace: telemetry, series with their learned band, anomalies, state.

- Lists answer \`{items, next}\`; give \`next\` as \`cursor\` for the next page.
- Times in answers are ISO 8601 UTC. \`from\` and \`to\` take ISO 8601 or epoch milliseconds, [from, to).
- NaN and infinities, which JSON lacks, are the strings "NaN", "Infinity" and "-Infinity".
- Every request needs a key (\`X-API-Key\`) or a token (\`Authorization: Bearer\`) of the tenant; on loopback, by default, none.
- Errors are problem documents (RFC 9457) with \`code\`, \`field\`, \`value\` and \`limit\`.
- ClickHouse away: 503 with \`Retry-After\`.`

export const documentation: Documentation = {
  title: 'Millrace query API',
  description,
  tags: [
    { name: 'telemetry', description: 'Points as they came' },
    { name: 'series', description: 'Series, their band and what is unusual on them' },
    { name: 'anomalies', description: 'Episodes in which a series left its band' },
    { name: 'tenants', description: 'Who has telemetry here' },
    { name: 'status', description: 'The installation as a whole' },
    { name: 'identity', description: 'Who asks' },
    { name: 'health', description: 'For supervisors and Prometheus' },
  ],
}

/** What /docs says of the gateway as a whole. */
import type { Documentation } from '../shared/docs.ts'

const description = `Telemetry in, by HTTP.

- 2xx: Kafka has it, on all replicas. Anything else: send it again, unless it is 4xx other than 408 and 429.
- 429 and 503 say in \`Retry-After\` when to come again.
- A retry with the same \`Idempotency-Key\` (metrics, logs) makes no second copy for ten minutes; a deployment with the same content or \`id\` makes none for a day.
- Every request needs a key (\`X-API-Key\`) or a token (\`Authorization: Bearer\`) of the tenant; on loopback, by default, none.
- Errors are problem documents (RFC 9457) with \`code\`, \`field\`, \`value\` and \`limit\`, unless a protocol has its own.`

export const documentation: Documentation = {
  title: 'Millrace telemetry gateway',
  description,
  tags: [
    { name: 'plain JSON', description: 'Points, log entries and deployments, one or many' },
    { name: 'Prometheus', description: 'remote_write 1.0 and 2.0' },
    { name: 'OpenTelemetry', description: 'OTLP/HTTP' },
    { name: 'webhooks', description: 'Deployments and alerts of other systems' },
    { name: 'health', description: 'For supervisors and Prometheus' },
  ],
}

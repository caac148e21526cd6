/**
 * Webhooks of Alertmanager, version 4: `POST /ingest/alertmanager`, with an API key as bearer token
 * or password, since these are what Alertmanager can send.
 */
import { alertmanagerAlerts } from '../../../../pipelines/intake/events/alertmanager.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import { bodyOf } from '../../bodies.ts'
import type { Door } from '../../ports.ts'
import { describedEvents } from '../described.ts'
import { takeEvents } from '../../webhooks/event-answer.ts'
import { arrivalOf } from '../../webhooks/said-in-address.ts'

const schema = describedEvents({
  summary: 'Webhooks of Alertmanager',
  description: 'Version 4. Each alert counts by its own status, once.',
  bodies: {
    'application/json': {
      version: '4',
      alerts: [
        {
          status: 'firing',
          fingerprint: 'c4ca4238a0b92382',
          labels: { alertname: 'HighLatency', service: 'checkout', severity: 'critical' },
          startsAt: '2026-03-01T12:00:00Z',
        },
      ],
    },
  },
})

export const alertmanager: Door = (scope, ports) => {
  ports.readBodies({ mediaTypes: ['application/json'], encodings: ['gzip'] })
  const config = { access: { writes: 'alerts' } } as const
  scope.post('/ingest/alertmanager', { config, schema }, (request) => {
    const { sender } = request
    const body = bodyOf(request)
    const results = alertmanagerAlerts(parseJson(body), arrivalOf(request, sender, ports.nowMs()))
    const { alerts: records } = ports.records
    return takeEvents({ sender, records, results, sizeBytes: body.length }, ports)
  })
}

import { LATENCY_BUCKETS_SECONDS, type Metrics } from '../shared/metrics.ts'
import type { ApiInstance } from './ports.ts'

export const measure = (app: ApiInstance, metrics: Metrics): void => {
  const duration = metrics.histogram({
    name: 'api_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labels: ['route', 'method', 'status'],
    buckets: LATENCY_BUCKETS_SECONDS,
  })
  app.addHook('onResponse', async (request, reply) => {
    // The pattern, not the path: label values must come from a bounded set.
    const route = request.routeOptions.url ?? 'unknown'
    const labels = { route, method: request.method, status: String(reply.statusCode) }
    duration.observe(labels, reply.elapsedTime / 1000)
  })
}

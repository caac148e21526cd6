/** Is the process alive, does Kafka acknowledge, and what do the counters say. */
import type { Readiness } from '../shared/health-server.ts'
import type { Metrics } from '../shared/metrics.ts'
import type { DoorScope } from './ports.ts'

export interface HealthPorts {
  readonly ready: () => Readiness
  readonly metrics: Metrics
}

/** For supervisors and Prometheus, which have no key; nothing of a tenant is in it. */
const open = { config: { access: 'open' } } as const

export const health = (app: DoorScope, { ready, metrics }: HealthPorts): void => {
  for (const url of ['/healthz', '/health']) {
    app.get(url, open, () => ({ status: 'alive', service: 'gateway' }))
  }

  app.get('/readyz', open, (_request, reply) => {
    const state = ready()
    if (state === true) return { status: 'ready' }
    return reply.code(503).send({ status: 'not ready', reason: state || 'not ready yet' })
  })

  app.get('/metrics', open, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

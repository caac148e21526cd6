/** Is the process alive, does Kafka acknowledge, and what do the counters say. */
import type { Readiness } from '../shared/health-server.ts'
import type { Metrics } from '../shared/metrics.ts'
import type { DoorScope } from './ports.ts'

export interface HealthPorts {
  readonly ready: () => Readiness
  readonly metrics: Metrics
}

/** For supervisors and Prometheus, which have no key; nothing of a tenant is in it. */
const open = (summary: string) => ({
  config: { access: 'open' as const },
  schema: { tags: ['health'], summary },
})

export const health = (app: DoorScope, { ready, metrics }: HealthPorts): void => {
  for (const url of ['/healthz', '/health']) {
    app.get(url, open('This process is alive; nothing else is asked'), () => ({
      status: 'alive',
      service: 'gateway',
    }))
  }

  app.get('/readyz', open('Kafka acknowledges: 200; otherwise 503 and why'), (_request, reply) => {
    const state = ready()
    if (state === true) return { status: 'ready' }
    return reply.code(503).send({ status: 'not ready', reason: state || 'not ready yet' })
  })

  app.get('/metrics', open('Prometheus metrics of this process'), async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

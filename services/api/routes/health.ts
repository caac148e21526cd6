/** Is the process alive, is everything ready, and what do the counters say. */
import Type from 'typebox'
import { summarise, type Readiness } from '../readiness.ts'
import { isoOf } from '../time-range.ts'
import type { ApiInstance, ApiPorts } from '../ports.ts'
import * as schema from './schemas.ts'

export const partSchema = Type.Object({
  name: Type.String({ examples: ['clickhouse'] }),
  state: Type.Enum(['ready', 'degraded', 'failed']),
  detail: Type.String({ description: 'What was found.' }),
  remedy: schema.nullable(Type.String({ description: 'What to do; null when all is well.' })),
})

const readinessSchema = Type.Object({
  status: Type.Enum(['ready', 'not ready']),
  summary: Type.String(),
  checked_at: schema.isoTime,
  parts: Type.Array(partSchema),
})

const alive = Type.Object({ status: Type.Literal('alive'), service: Type.Literal('api') })

/** For supervisors and Prometheus, which have no key; nothing of a tenant is in it. */
const open = { access: 'open' } as const

export const healthRoutes = (app: ApiInstance, { readiness, metrics }: ApiPorts): void => {
  for (const url of ['/healthz', '/health']) {
    const summary = 'This process is alive; nothing else is asked'
    app.get(
      url,
      { config: open, schema: { tags: ['health'], summary, response: { 200: alive } } },
      () => ({
        status: 'alive' as const,
        service: 'api' as const,
      }),
    )
  }

  app.get(
    '/readyz',
    {
      config: open,
      schema: {
        tags: ['health'],
        summary: 'All of it works: 200; otherwise 503 and what to do',
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (_request, reply) => {
      const current = await readiness.current()
      return reply.code(current.ready ? 200 : 503).send(toBody(current))
    },
  )

  app.get(
    '/metrics',
    {
      config: open,
      schema: {
        tags: ['health'],
        summary: 'Prometheus metrics of this process',
        produces: ['text/plain'],
      },
    },
    async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

const toBody = (current: Readiness) => ({
  status: current.ready ? ('ready' as const) : ('not ready' as const),
  summary: summarise(current),
  checked_at: isoOf(current.checkedAtMs),
  parts: [...current.parts],
})

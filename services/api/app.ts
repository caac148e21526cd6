/**
 * The HTTP side as one Fastify instance built from ports: no sockets, no clock, no environment, so
 * tests inject requests into exactly what runs.
 *
 * Every route says what it asks of whoever comes (`config.access`); who comes is known before any of
 * them sees a request.
 */
import fastify, { LogController, type FastifyRequest } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { serveDocs } from '../shared/docs.ts'
import { guard } from '../shared/identity/guard.ts'
import { limitRates } from '../shared/limits/rate-limits.ts'
import { handleErrors } from './error-handling.ts'
import { measure } from './request-metrics.ts'
import { secureHeaders } from './secure-headers.ts'
import type { ApiInstance, ApiPorts } from './ports.ts'
import { anomalyRoutes } from './routes/anomalies.ts'
import { documentation } from './routes/docs.ts'
import { healthRoutes } from './routes/health.ts'
import { pageRoutes } from './routes/page.ts'
import { principalRoutes } from './routes/principal.ts'
import { seriesRoutes } from './routes/series.ts'
import { statusRoutes } from './routes/status.ts'
import { telemetryRoutes } from './routes/telemetry.ts'
import { tenantRoutes } from './routes/tenants.ts'

const requestTimeoutMs = 30_000
const keepAliveMs = 72_000
const bodyLimitBytes = 64 * 1024

export const buildApp = async (ports: ApiPorts): Promise<ApiInstance> => {
  const app: ApiInstance = fastify({
    loggerInstance: ports.logger,
    serverFactory: (handler) => {
      const server = ports.listeners.create(handler)
      server.requestTimeout = requestTimeoutMs
      server.keepAliveTimeout = keepAliveMs
      return server
    },
    // Requests are counted in metrics; a line for each would drown the log.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    routerOptions: { maxParamLength: 200 },
    ajv: {
      // Unknown parameters are refused, not dropped; errors carry the value they are about.
      customOptions: { removeAdditional: false, verbose: true, coerceTypes: 'array' },
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Response schemas describe; they must not drop fields or turn NaN into null on the way out.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  handleErrors(app)
  secureHeaders(app)
  measure(app, ports.metrics)
  guard(app, { identity: ports.identity, askedTenants })
  limitRates(app, ports.rates)

  await serveDocs(app, documentation)
  healthRoutes(app, ports)
  telemetryRoutes(app, ports)
  seriesRoutes(app, ports)
  anomalyRoutes(app, ports)
  tenantRoutes(app, ports)
  statusRoutes(app, ports)
  principalRoutes(app)
  await pageRoutes(app)
  return app
}

/** `?tenant=`, given twice, too: both have to be the right one. */
const askedTenants = ({ query }: FastifyRequest): readonly string[] =>
  [(query as { readonly tenant?: string | readonly string[] }).tenant ?? []].flat()

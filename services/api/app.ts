/**
 * The HTTP side as one Fastify instance built from ports: no sockets, no clock, no environment, so
 * tests inject requests into exactly what runs.
 *
 * All questions about data live in one scope (`data`): what guards them (rate limits, identity) is
 * a hook there, and health, metrics and the page stay outside of it.
 */
import fastify, { LogController } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { handleErrors } from './error-handling.ts'
import { measure } from './request-metrics.ts'
import { secureHeaders } from './secure-headers.ts'
import type { ApiInstance, ApiPorts } from './ports.ts'
import { anomalyRoutes } from './routes/anomalies.ts'
import { docs } from './routes/docs.ts'
import { healthRoutes } from './routes/health.ts'
import { pageRoutes } from './routes/page.ts'
import { seriesRoutes } from './routes/series.ts'
import { statusRoutes } from './routes/status.ts'
import { telemetryRoutes } from './routes/telemetry.ts'
import { tenantRoutes } from './routes/tenants.ts'

const requestTimeoutMs = 30_000
const bodyLimitBytes = 64 * 1024

export const buildApp = async (ports: ApiPorts): Promise<ApiInstance> => {
  const app: ApiInstance = fastify({
    loggerInstance: ports.logger,
    // Requests are counted in metrics; a line for each would drown the log.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: requestTimeoutMs,
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

  await docs(app)
  healthRoutes(app, ports)
  await app.register((data: ApiInstance, _options, done) => {
    telemetryRoutes(data, ports)
    seriesRoutes(data, ports)
    anomalyRoutes(data, ports)
    tenantRoutes(data, ports)
    statusRoutes(data, ports)
    done()
  })
  await pageRoutes(app)
  return app
}

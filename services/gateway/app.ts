/**
 * The HTTP side as one Fastify instance built from ports: no sockets, no clock, no environment, so
 * tests inject requests into exactly what runs. Each door has a scope of its own; who sends is known
 * before any of them sees a request.
 */
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyRequest,
} from 'fastify'
import { serveDocs } from '../shared/docs.ts'
import { guard } from '../shared/identity/guard.ts'
import type { Identity } from '../shared/identity/identity.ts'
import type { Readiness } from '../shared/health-server.ts'
import { limitRates, type RateLimits } from '../shared/limits/rate-limits.ts'
import type { Metrics } from '../shared/metrics.ts'
import { commonProblem, sendProblem } from '../shared/problem.ts'
import type { Listeners } from '../shared/tls.ts'
import type { BodyReader } from './bodies.ts'
import { gatewayMetrics } from './door-metrics.ts'
import { documentation } from './documentation.ts'
import { doors } from './doors/index.ts'
import { health } from './health.ts'
import type { KafkaIntake } from './intake.ts'
import type { RecentLedger } from './ledger.ts'
import type { WebhookSecrets } from './webhooks/webhook-secrets.ts'
import type { DoorPorts, DoorScope, GatewayRecords, Sender } from './ports.ts'
import { doorProblem } from './problem.ts'

export interface AppPorts {
  readonly listeners: Pick<Listeners, 'create'>
  readonly admitSeries: DoorPorts['admitSeries']
  readonly rates: RateLimits
  readonly identity: Identity
  readonly bodies: BodyReader
  readonly intake: KafkaIntake
  readonly ledger: RecentLedger
  readonly records: GatewayRecords
  readonly webhookSecrets: WebhookSecrets
  readonly ready: () => Readiness
  readonly metrics: Metrics
  readonly logger: FastifyBaseLogger
  readonly nowMs: () => number
}

/** A backstop: bodies have a limit of their own below it. */
const REQUEST_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 75_000

export const buildApp = async (ports: AppPorts): Promise<DoorScope> => {
  const app: DoorScope = fastify({
    loggerInstance: ports.logger,
    serverFactory: (handler) => {
      const server = ports.listeners.create(handler)
      server.requestTimeout = REQUEST_TIMEOUT_MS
      server.keepAliveTimeout = KEEP_ALIVE_MS
      return server
    },
    // Requests are counted in metrics; a line for each would drown the log.
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 200 },
  })
  // Schemas describe; no answer may lose a field on its way out.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  handleErrors(app)
  guard(app, { identity: ports.identity, askedTenants })
  limitRates(app, ports.rates)
  app.decorateRequest('sender', {
    getter(): Sender {
      return this.principal
    },
  })
  app.decorateRequest('incoming', null)

  const { bodies, intake, ledger, records, webhookSecrets, nowMs } = ports
  const measured = gatewayMetrics(ports.metrics, { bodies, intake, ledger })
  await serveDocs(app, documentation)
  health(app, ports)
  for (const [name, door] of Object.entries(doors)) {
    await app.register(async (scope) => {
      await door(scope, {
        readBodies: (options) => bodies.install(scope, options),
        intake,
        ledger,
        records,
        webhookSecrets,
        admitSeries: ports.admitSeries,
        count: measured.door(name, scope),
        nowMs,
      })
    })
  }
  return app
}

/** As proxies of Prometheus and of Loki, Mimir and their kind name it; both have to be the right one. */
const askedTenants = ({ headers }: FastifyRequest): readonly string[] =>
  [headers['x-tenant'] ?? [], headers['x-scope-orgid'] ?? []].flat()

const handleErrors = (app: DoorScope): void => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    return sendProblem(doorProblem(error), request, reply)
  })

  app.setNotFoundHandler((request, reply) => {
    const detail = `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}; /docs lists what there is`
    return sendProblem(commonProblem('unknown-path', detail), request, reply)
  })
}

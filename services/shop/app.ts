/**
 * The demo shop: three services in one process and on one port, each a scope of its own, which call
 * each other by HTTP as if they were apart. So a checkout is one trace through three services.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import Type from 'typebox'
import { instrument } from '../instrument/start.ts'
import { commonProblem, foreignProblem, Problem, sendProblem } from '../shared/problem.ts'
import type { Endpoint, Faults } from './faults.ts'
import { between, type Random } from './random.ts'
import { simulateRoutes } from './simulate.ts'
import { ITEMS, type OrderLine, priceCents, someBasket, Stock } from './stock.ts'

export type ShopScope = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface ShopPorts {
  readonly loggerOf: (service: ServiceName) => FastifyBaseLogger
  readonly faults: Faults
  readonly random: Random
  readonly version: string
  readonly environment: string
  /** Where its services find each other; known once it listens. */
  readonly ownUrl: () => string
}

/** Each scope's service. */
export const SERVICES = ['shop', 'inventory', 'payment', 'checkout'] as const
export type ServiceName = (typeof SERVICES)[number]

const BODY_LIMIT_BYTES = 16 * 1024
const REQUEST_TIMEOUT_MS = 120_000
/** Longer than any delay that can be simulated. */
const CALL_TIMEOUT_MS = 90_000
const MAX_LINES = 20

class PaymentDeclined extends Error {
  override readonly name = 'PaymentDeclined'
  readonly statusCode = 402
}

class CheckoutFailed extends Error {
  override readonly name = 'CheckoutFailed'
  readonly statusCode = 502
}

const sku = Type.Union(ITEMS.map((item) => Type.Literal(item.sku)))
const line = Type.Object({ sku, quantity: Type.Integer({ minimum: 1, maximum: 20 }) })
const checkoutBody = Type.Union([
  Type.Null(),
  Type.Object({ items: Type.Optional(Type.Array(line, { minItems: 1, maxItems: MAX_LINES })) }),
])
const paymentBody = Type.Union([
  Type.Null(),
  Type.Object({ amountCents: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })) }),
])

export const buildShop = async (ports: ShopPorts): Promise<ShopScope> => {
  const app: ShopScope = fastify({
    loggerInstance: ports.loggerOf('shop'),
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: BODY_LIMIT_BYTES,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  }).withTypeProvider<TypeBoxTypeProvider>()
  handleErrors(app)
  const routes: Readonly<Record<ServiceName, (scope: ShopScope, ports: ShopPorts) => void>> = {
    shop: frontRoutes,
    inventory: inventoryRoutes,
    payment: paymentRoutes,
    checkout: checkoutRoutes,
  }
  for (const service of SERVICES) {
    const { version, environment } = ports
    const logger = ports.loggerOf(service)
    await app.register((scope: ShopScope, _options, done) => {
      instrument(scope, { service, version, environment })
      scope.addHook('onRequest', (request, _reply, next) => {
        request.log = logger
        next()
      })
      routes[service](scope, ports)
      done()
    })
  }
  return app
}

const frontRoutes = (app: ShopScope, { faults }: ShopPorts): void => {
  const startedMs = Date.now()
  const health = async () => {
    await faults.suffer('/health')
    return { status: 'healthy', uptimeSeconds: Math.round((Date.now() - startedMs) / 1_000) }
  }
  app.get('/health', health)
  // For who supervises it: a fault that is simulated is no reason to start it again.
  app.get('/healthz', () => ({ status: 'healthy' }))
  simulateRoutes(app, faults)
}

const inventoryRoutes = (app: ShopScope, ports: ShopPorts): void => {
  const stock = new Stock()
  app.get('/inventory', async () => {
    await work(ports, '/inventory', 4, 25)
    return { items: stock.shelves() }
  })
  const reservation = Type.Object({ items: Type.Array(line, { minItems: 1, maxItems: MAX_LINES }) })
  app.post('/inventory', { schema: { body: reservation } }, async ({ body, log }, reply) => {
    await work(ports, '/inventory', 8, 30)
    const filled = stock.take(body.items)
    if (filled.length > 0) log.info({ filled }, 'shelves were filled up')
    return reply.code(201).send({ reserved: body.items })
  })
}

/** One in so many cards is declined. */
const DECLINED = 0.02

const paymentRoutes = (app: ShopScope, ports: ShopPorts): void => {
  app.post('/payment', { schema: { body: paymentBody } }, async ({ body, log }, reply) => {
    const amountCents = body?.amountCents ?? Math.round(between(ports.random, 500, 9_000))
    await work(ports, '/payment', 60, 180)
    if (ports.random() < DECLINED) throw new PaymentDeclined('the bank declined the card')
    const paymentId = idOf('pay', ports.random)
    log.info({ paymentId, amountCents }, 'paid')
    return reply.code(201).send({ paymentId, status: 'paid', amountCents, currency: 'EUR' })
  })
}

const checkoutRoutes = (app: ShopScope, ports: ShopPorts): void => {
  app.post('/checkout', { schema: { body: checkoutBody } }, async ({ body, log }, reply) => {
    const items = (body?.items as OrderLine[] | undefined) ?? someBasket(ports.random)
    await work(ports, '/checkout', 2, 10)
    await call(ports, '/inventory', { items })
    const amountCents = priceCents(items)
    const { paymentId } = await call<{ paymentId: string }>(ports, '/payment', { amountCents })
    const orderId = idOf('ord', ports.random)
    log.info({ orderId, paymentId, amountCents }, 'order placed')
    return reply.code(201).send({ orderId, paymentId, status: 'placed', amountCents, items })
  })
}

const idOf = (kind: string, random: Random): string =>
  `${kind}-${Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}`

/** Takes a moment, as a database would, and suffers what is simulated. */
const work = async (
  { random, faults }: ShopPorts,
  endpoint: Endpoint,
  fromMs: number,
  toMs: number,
): Promise<void> => {
  await sleep(between(random, fromMs, toMs))
  await faults.suffer(endpoint)
}

const call = async <Answer>(
  { ownUrl }: ShopPorts,
  endpoint: Endpoint,
  body: object,
): Promise<Answer> => {
  const response = await fetch(ownUrl() + endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  })
  const answer = (await response.json()) as Answer & { readonly detail?: string }
  if (response.status === 402) throw new PaymentDeclined(answer.detail ?? 'declined')
  if (!response.ok) {
    throw new CheckoutFailed(
      `${endpoint} answered ${String(response.status)}: ${answer.detail ?? 'no reason'}`,
    )
  }
  return answer
}

const handleErrors = (app: ShopScope): void => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof Problem) return sendProblem(error, request, reply)
    const status = error.statusCode ?? 500
    if (status >= 500) request.log.error({ err: error }, error.message)
    else request.log.warn({ status }, error.message)
    // Errors that are simulated are shown as they are.
    return sendProblem(foreignProblem(status, error.message), request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const detail = `there is no ${request.method} ${path}; there are ${ROUTES.join(', ')}`
    return sendProblem(commonProblem('unknown-path', detail), request, reply)
  })
}

/** What the banner shows. */
export const ROUTES = [
  'GET /health',
  'GET /inventory',
  'POST /payment',
  'POST /checkout',
  'POST /simulate/delay?endpoint=/payment&duration=2000',
  'POST /simulate/error?endpoint=/inventory&rate=0.5',
  'POST /simulate/clear',
  'GET /simulate/status',
] as const

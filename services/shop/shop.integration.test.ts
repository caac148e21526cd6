/** The shop behind a real port, watched: its traces and logs where they arrive. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { flush, logStream, startInstrument } from '../instrument/start.ts'
import { settingsFrom } from '../instrument/settings.ts'
import { Collector, type SeenSpan } from '../instrument/testing/collector.ts'
import { createLogger } from '../shared/logger.ts'
import type { ShopScope } from './app.ts'
import { tellDeployed } from './deployed.ts'
import { openShop } from './testing/open-shop.ts'
import { visit } from './visitor.ts'

const SERVER = 2
let collector: Collector
let shop: ShopScope
let url: string

beforeAll(async () => {
  collector = await Collector.start()
  startInstrument(
    settingsFrom({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '50' }),
  )
  shop = await openShop({ log: logStream() })
  url = await shop.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(() => fetch(`${url}/simulate/clear`, { method: 'POST' }))
afterAll(async () => {
  await shop.close()
  await flush()
  await collector.stop()
})

const buy = async () => {
  const answer = await fetch(`${url}/checkout`, { method: 'POST' })
  const traceId = answer.headers.get('x-trace-id') ?? ''
  return { status: answer.status, traceId, body: await answer.text() }
}

/** Service and endpoint of each served request of a trace, below the one that called it. */
const chainOf = async (traceId: string, requests: number) => {
  const ofTrace = (span: SeenSpan) => span.traceId === traceId
  await collector.seen((span) => ofTrace(span) && span.kind === SERVER, requests)
  const spans = await collector.seen(ofTrace, 2 * requests)
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const callerOf = (span: SeenSpan) =>
    byId.get(byId.get(span.parentSpanId ?? '')?.parentSpanId ?? '')
  return spans
    .filter((span) => span.kind === SERVER)
    .map((span) => ({
      service: span.service,
      name: span.name,
      failed: span.failed,
      calledBy: callerOf(span)?.service,
      error: span.exception?.['exception.type'],
    }))
    .sort((a, b) => a.service.localeCompare(b.service))
}

const ok = { failed: false, error: undefined }

it('a checkout is one trace through three services', async () => {
  const { status, traceId } = await buy()
  expect(status).toBe(201)
  expect(await chainOf(traceId, 3)).toEqual([
    { service: 'checkout', name: 'POST /checkout', calledBy: undefined, ...ok },
    { service: 'inventory', name: 'POST /inventory', calledBy: 'checkout', ...ok },
    { service: 'payment', name: 'POST /payment', calledBy: 'checkout', ...ok },
  ])
  const [span] = await collector.seen((one) => one.traceId === traceId && one.kind === SERVER)
  expect(span?.resource).toMatchObject({
    'service.version': '1.2.3',
    'deployment.environment.name': 'test',
  })
})

it('a payment that fails takes the checkout with it, each with its own error', async () => {
  await fetch(`${url}/simulate/error?endpoint=/payment&rate=1`, { method: 'POST' })
  const { status, traceId, body } = await buy()
  expect(status).toBe(502)
  expect(body).toContain('/payment answered 500: the card processor refused the connection')
  expect(await chainOf(traceId, 3)).toEqual([
    {
      service: 'checkout',
      name: 'POST /checkout',
      calledBy: undefined,
      failed: true,
      error: 'CheckoutFailed',
    },
    { service: 'inventory', name: 'POST /inventory', calledBy: 'checkout', ...ok },
    {
      service: 'payment',
      name: 'POST /payment',
      calledBy: 'checkout',
      failed: true,
      error: 'SimulatedError',
    },
  ])
})

it('a delay shows where it is and in who waits for it', async () => {
  await fetch(`${url}/simulate/delay?endpoint=/payment&duration=400`, { method: 'POST' })
  const { traceId } = await buy()
  await chainOf(traceId, 3)
  const took = Object.fromEntries(
    collector.spans
      .filter((span) => span.traceId === traceId && span.kind === SERVER)
      .map((span) => [span.service, span.durationUs / 1_000]),
  )
  expect(took['payment']).toBeGreaterThan(400)
  expect(took['checkout']).toBeGreaterThan(took['payment']!)
  expect(took['inventory']).toBeLessThan(400)
})

it('lines of its log arrive', async () => {
  await buy()
  const bodies = await eventually(
    () => collector.bodies.filter((body) => body.startsWith('{"resourceLogs"')).join(),
    (text) => text.includes('order placed') && text.includes('"paid"'),
  )
  expect(bodies).toContain('{"key":"service.name","value":{"stringValue":"checkout"}}')
})

it('its deployment is told, again with the same identity if it was not taken', async () => {
  const answers = [503, 200]
  collector.behaviour = (_request, response) => response.writeHead(answers.shift() ?? 200).end('{}')
  const logger = createLogger({ service: 'shop', level: 'silent' })
  const { signal } = new AbortController()
  await tellDeployed({
    gatewayUrl: collector.url,
    headers: () => ({ 'x-api-key': 'k' }),
    version: '9',
    environment: 'test',
    signal,
    logger,
  })
  expect(collector.requests.at(-1)?.headers).toMatchObject({ 'x-api-key': 'k' })
  const told = collector.bodies.find((body) => body.includes('shop-start-'))
  expect(JSON.parse(told ?? '[]')).toMatchObject(
    ['shop', 'inventory', 'payment', 'checkout'].map((service) => ({
      service,
      version: '9',
      status: 'succeeded',
    })),
  )
})

it('its visitor comes, and goes when told to', async () => {
  const asked: string[] = []
  shop.server.on('request', ({ url: path = '' }) => asked.push(path))
  const leaving = new AbortController()
  const visiting = visit({ url, random: () => 0.1, signal: leaving.signal })
  await eventually(
    () => asked,
    (paths) => paths.length > 1,
  )
  leaving.abort()
  await visiting
  expect(new Set(asked)).toEqual(new Set(['/inventory']))
})

/** The whole instrument, in front of real servers of each framework, seen from where it sends to. */
import { once } from 'node:events'
import { get, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { Pool } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { Agent } from './agent.ts'
import { currentTrace } from './context.ts'
import { newTraceId } from './ids.ts'
import { settingsFrom } from './settings.ts'
import { express4App, express5App, fastifyApp, plainApp, type RunningApp } from './testing/apps.ts'
import { Collector, type SeenSpan, takeAll } from './testing/collector.ts'

/** What `/fetch` answers: the trace it ran in before and after its call, and what the other said. */
interface Relayed {
  readonly before: { readonly traceId: string }
  readonly answer: string
  readonly after: { readonly traceId: string }
}

const SERVER = 2
const CLIENT = 3
const SPAN = '00f067aa0ba902b7'

let collector: Collector
let agent: Agent

beforeAll(async () => {
  collector = await Collector.start()
  agent = new Agent({
    ...settingsFrom({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'tested',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_BSP_SCHEDULE_DELAY: '20',
    }),
    unfinishedAfterMs: 300,
  })
  agent.start()
})

afterAll(async () => {
  await agent.stop(1_000)
  await collector.stop()
})

const serverSpan = async (traceId: string): Promise<SeenSpan> => {
  const [span] = await collector.seen((one) => one.traceId === traceId && one.kind === SERVER)
  return span!
}

/** Asks without a trace of its own, as a browser does. */
const ask = async (url: string, headers: Record<string, string> = {}) => {
  const request = httpRequest(url, { headers: { traceparent: 'none', ...headers } }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const traceId = String(response.headers['x-trace-id'])
  return { status: response.statusCode, body: await textOf(response), traceId }
}

const frameworks = [
  { name: 'Fastify 5', start: fastifyApp, order: '/orders/:id', team: '/teams/:team/boom' },
  { name: 'Express 5', start: express5App, order: '/orders/:id', team: '/teams/:team/boom' },
  { name: 'Express 4', start: express4App, order: '/orders/:id', team: '/teams/:team/boom' },
  { name: 'node:http', start: plainApp, order: '/orders/{id}', team: undefined },
]

describe.each(frameworks)('$name', ({ start, order, team }) => {
  let app: RunningApp
  beforeAll(async () => {
    app = await start()
  })
  afterAll(() => app.stop())

  it('a request is a span: route, method, status, duration, service', async () => {
    const { traceId, status } = await ask(`${app.url}/orders/4711?token=secret`)
    expect(status).toBe(200)
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    const span = await serverSpan(traceId)
    expect(span).toMatchObject({
      name: `GET ${order}`,
      service: 'tested',
      ended: true,
      failed: false,
      exception: undefined,
      attributes: {
        'http.request.method': 'GET',
        [team === undefined ? 'url.template' : 'http.route']: order,
        'url.path': '/orders/4711',
        'url.scheme': 'http',
        'http.response.status_code': '200',
      },
    })
    expect(span.resource).toMatchObject({ 'deployment.environment.name': 'test' })
    expect('http.route' in span.attributes).toBe(team !== undefined)
    expect(span.parentSpanId).toBeUndefined()
    expect(span.durationUs).toBeGreaterThan(0)
    expect(span.durationUs).toBeLessThan(5_000_000)
    expect(JSON.stringify(span)).not.toContain('secret')
  })

  it('4xx is no failure of the server, 5xx is', async () => {
    const teapot = await serverSpan((await ask(`${app.url}/teapot`)).traceId)
    expect(teapot).toMatchObject({ failed: false, name: 'GET /teapot' })
    expect(teapot.attributes['http.response.status_code']).toBe('418')
    const boom = await serverSpan((await ask(`${app.url}/boom`)).traceId)
    expect(boom).toMatchObject({ failed: true, name: 'GET /boom' })
    expect(boom.attributes['http.response.status_code']).toBe('500')
  })

  it.skipIf(team === undefined)('an error comes with type, message and full stack', async () => {
    const span = await serverSpan((await ask(`${app.url}/boom`)).traceId)
    expect(span.attributes['error.type']).toBe('OrderError')
    expect(span.exception).toMatchObject({
      'exception.type': 'OrderError',
      'exception.message': 'no such order',
    })
    const stack = span.exception?.['exception.stacktrace']
    expect(stack).toMatch(/OrderError: no such order\n +at .*apps\.ts/)
    expect(stack).toMatch(/Caused by: Error: the table is empty\n +at /)
  })

  it.skipIf(team === undefined)('an error that the app answers itself is seen, too', async () => {
    const { traceId, status } = await ask(`${app.url}/teams/7/boom`)
    expect(status).toBe(503)
    const span = await serverSpan(traceId)
    expect(span).toMatchObject({ name: `GET ${team}`, failed: true })
    expect(span.exception?.['exception.type']).toBe('OrderError')
  })

  it('paths that are not there are one endpoint', async () => {
    const { traceId, status } = await ask(`${app.url}/wp-admin.php`)
    expect(status).toBe(404)
    expect(await serverSpan(traceId)).toMatchObject({ name: 'GET /{unmatched}', failed: false })
  })

  it('continues the trace of its caller', async () => {
    const trace = newTraceId()
    const { traceId, body } = await ask(`${app.url}/orders/1`, {
      traceparent: `00-${trace}-${SPAN}-01`,
    })
    expect(traceId).toBe(trace)
    const span = await serverSpan(trace)
    expect(span.parentSpanId).toBe(SPAN)
    expect(JSON.parse(body)).toEqual({ traceId: trace, spanId: span.spanId })
  })

  it('what is not sampled is not sent, but its trace goes on', async () => {
    const other = await plainApp()
    const trace = newTraceId()
    const headers = { traceparent: `00-${trace}-${SPAN}-00`, tracestate: 'a=1', baggage: 'user=7' }
    const seen = once(other.server, 'request') as Promise<[IncomingMessage]>
    const { traceId } = await ask(`${app.url}/fetch?url=${other.url}/orders/1`, headers)
    expect(traceId).toBe(trace)
    const [request] = await seen
    expect(request.headers).toMatchObject({ tracestate: 'a=1', baggage: 'user=7' })
    expect(request.headers['traceparent']).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`))
    const marker = await ask(`${app.url}/orders/2`)
    await serverSpan(marker.traceId)
    expect(collector.spans.filter((span) => span.traceId === trace)).toEqual([])
    await other.stop()
  })

  it('keeps its trace over a body that is still to come', async () => {
    const { traceId, answer } = await post(`${app.url}/body`, ['{"a":', '1}'])
    expect(JSON.parse(answer)).toMatchObject({ traceId })
  })

  it('is still in its trace when the answer is out', async () => {
    const out = new Promise<unknown>((resolve) => {
      app.server.once('request', (_request, response) => {
        response.once('finish', () => resolve(currentTrace()))
      })
    })
    const { traceId } = await ask(`${app.url}/orders/3`)
    expect(await out).toMatchObject({ traceId })
  })

  it('a request that the client gives up is a failure', async () => {
    const trace = newTraceId()
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.write(`GET /hang HTTP/1.1\r\nhost: a\r\ntraceparent: 00-${trace}-${SPAN}-01\r\n\r\n`)
    await once(app.server, 'request')
    socket.destroy()
    const [span] = await collector.seen((one) => one.traceId === trace && one.ended)
    expect(span).toMatchObject({ name: 'GET /hang', failed: true })
    expect(span?.attributes['error.type']).toBe('request_aborted')
    expect(span?.attributes['http.response.status_code']).toBeUndefined()
  })

  it('a request that does not end is told of, and its end later', async () => {
    const trace = newTraceId()
    const aborter = new AbortController()
    const headers = { traceparent: `00-${trace}-${SPAN}-01` }
    const { signal } = aborter
    const asked = fetch(`${app.url}/hang`, { signal, headers }).catch(() => undefined)
    const hanging = (span: SeenSpan) => span.traceId === trace
    const [open] = await collector.seen((span) => hanging(span) && !span.ended)
    expect(open).toMatchObject({ failed: false })
    aborter.abort()
    await asked
    const [ended] = await collector.seen((span) => hanging(span) && span.ended)
    expect(ended?.spanId).toBe(open?.spanId)
    expect(ended?.durationUs).toBeGreaterThan(300_000)
  })

  it('200 requests at a time never mix their traces', async () => {
    const other = await plainApp()
    const traces = Array.from({ length: 200 }, newTraceId)
    const answers = await Promise.all(
      traces.map((traceId, n) =>
        ask(`${app.url}/fetch?url=${other.url}/orders/${n}`, {
          traceparent: `00-${traceId}-${SPAN}-01`,
        }),
      ),
    )
    answers.forEach(({ body, traceId }, n) => {
      const { before, answer, after } = JSON.parse(body) as Relayed
      expect(traceId).toBe(traces[n])
      expect(before.traceId).toBe(traces[n])
      expect(after).toEqual(before)
      expect(JSON.parse(answer)).toMatchObject({ traceId: traces[n] })
    })
    const mine = new Set(traces)
    const spans = await collector.seen((span) => mine.has(span.traceId), 600)
    expect(spans).toHaveLength(600)
    for (const traceId of traces) {
      const chain = spans.filter((span) => span.traceId === traceId)
      const outer = chain.find((span) => span.parentSpanId === SPAN)
      const call = chain.find((span) => span.kind === CLIENT)
      const inner = chain.find((span) => span.kind === SERVER && span !== outer)
      expect(call?.parentSpanId).toBe(outer?.spanId)
      expect(inner?.parentSpanId).toBe(call?.spanId)
    }
    await other.stop()
  })
})

const post = async (url: string, chunks: readonly string[]) => {
  const headers = { 'content-type': 'application/json', traceparent: 'none' }
  const request = httpRequest(url, { method: 'POST', headers })
  for (const chunk of chunks) {
    // Each in a packet of its own.
    await new Promise<void>((resolve) => {
      request.write(chunk, () => setTimeout(resolve, 5))
    })
  }
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { traceId: String(response.headers['x-trace-id']), answer: await textOf(response) }
}

let paths = 0
const newPath = () => `/orders/${(paths += 1)}000`
const spanAt = async (path: string, kind: number): Promise<SeenSpan> => {
  const found = (span: SeenSpan) => span.kind === kind && span.attributes['url.path'] === path
  const [span] = await collector.seen(found)
  return span!
}

describe('calls to others', () => {
  let app: RunningApp
  beforeAll(async () => {
    app = await plainApp()
  })
  afterEach(() => {
    collector.behaviour = takeAll
  })
  afterAll(() => app.stop())

  const clients = [
    {
      title: 'fetch',
      call: async (url: string) => {
        await (await fetch(url)).text()
      },
    },
    {
      title: 'undici',
      call: async (url: string) => {
        const { origin, pathname } = new URL(url)
        const pool = new Pool(origin)
        const { body } = await pool.request({ path: pathname, method: 'GET' })
        await body.text()
        await pool.close()
      },
    },
    {
      title: 'http.get',
      call: async (url: string) => {
        const [response] = (await once(get(url), 'response')) as [IncomingMessage]
        await textOf(response)
      },
    },
    {
      title: 'a call that somebody else traces is left alone',
      foreign: newTraceId(),
      call: async (url: string, foreign?: string) => {
        const headers = { traceparent: `00-${String(foreign)}-${SPAN}-01` }
        const [response] = (await once(get(url, { headers }), 'response')) as [IncomingMessage]
        await textOf(response)
      },
    },
  ]

  it.each(clients)('$title', async ({ call, foreign }) => {
    const path = newPath()
    const seen = once(app.server, 'request') as Promise<[IncomingMessage]>
    await call(app.url + path, foreign)
    const [request] = await seen
    const span = await spanAt(path, SERVER)
    if (foreign !== undefined) {
      expect(span).toMatchObject({ traceId: foreign, parentSpanId: SPAN })
      expect(
        collector.spans.filter(({ kind, traceId }) => kind === CLIENT && traceId === foreign),
      ).toEqual([])
      return
    }
    const client = await spanAt(path, CLIENT)
    expect(client).toMatchObject({
      name: 'GET /orders/{id}',
      failed: false,
      attributes: {
        'server.address': '127.0.0.1',
        'server.port': new URL(app.url).port,
        'http.response.status_code': '200',
      },
    })
    expect(request.headers['traceparent']).toBe(`00-${client.traceId}-${client.spanId}-01`)
    expect(span).toMatchObject({ traceId: client.traceId, parentSpanId: client.spanId })
  })

  it.each([
    { title: 'fetch', call: (url: string) => fetch(url) },
    { title: 'http.get', call: (url: string) => once(get(url), 'response') },
  ])('$title: nobody there', async ({ call }) => {
    const path = newPath()
    const gone = await plainApp()
    await gone.stop()
    await expect(call(gone.url + path)).rejects.toThrow()
    const client = await spanAt(path, CLIENT)
    expect(client).toMatchObject({ failed: true })
    expect(client.exception?.['exception.stacktrace']).toContain('ECONNREFUSED')
  })

  it('a call that fails says so: 4xx counts, the caller sent it', async () => {
    await (await fetch(`${app.url}/teapot`)).text()
    const client = await spanAt('/teapot', CLIENT)
    expect(client).toMatchObject({ failed: true, attributes: { 'error.type': '418' } })
  })
})

describe('what is on its way never harms a request', () => {
  let app: RunningApp
  beforeAll(async () => {
    app = await fastifyApp()
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  })
  afterEach(() => {
    collector.behaviour = takeAll
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await app.stop()
  })

  it.each([
    {
      title: '503',
      behaviour: (_: unknown, response: { writeHead(status: number): { end(): void } }) =>
        response.writeHead(503).end(),
    },
    { title: 'no answer', behaviour: () => undefined },
    { title: 'a hang-up', behaviour: (request: IncomingMessage) => request.socket.destroy() },
  ])('the collector: $title', async ({ behaviour }) => {
    collector.behaviour = behaviour
    const asked = collector.requests.length
    const before = await ask(`${app.url}/orders/1`)
    await eventually(
      () => collector.requests.length,
      (count) => count > asked,
    )
    const after = await ask(`${app.url}/orders/2`)
    expect([before.status, after.status]).toEqual([200, 200])
    collector.hangUp()
  })

  it('a header that cannot be set', async () => {
    const hostile = await plainApp()
    hostile.server.prependListener('request', (_request, response) => response.flushHeaders())
    expect((await ask(`${hostile.url}/orders/1`)).status).toBe(200)
    await hostile.stop()
  })
})

it('several services in one process: an app, a scope of one, a server', async () => {
  const [app, server] = [await express5App(), await plainApp()]
  agent.instrument(app.app, { service: 'by-app', version: '1.2.3' })
  agent.instrument(server.app, { service: 'by-server', environment: 'staging' })
  const { traceId } = await ask(`${app.url}/fetch?url=${server.url}/orders/1`)
  const spans = await collector.seen((span) => span.traceId === traceId, 3)
  const whose = Object.fromEntries(
    spans.map((span) => [`${span.service} ${span.kind}`, span.resource]),
  )
  expect(Object.keys(whose).sort()).toEqual(['by-app 2', 'by-app 3', 'by-server 2'])
  expect(whose['by-app 2']).toMatchObject({ 'service.version': '1.2.3' })
  expect(whose['by-server 2']).toMatchObject({ 'deployment.environment.name': 'staging' })
  await Promise.all([app.stop(), server.stop()])
})

it('sends elsewhere when it is told to, with the key of the moment', async () => {
  const other = await Collector.start()
  const app = await plainApp()
  let key = 'first'
  agent.sendBy({ kind: 'otlp', url: other.url, headers: () => ({ 'x-api-key': key }) })
  for (const wanted of ['first', 'second']) {
    key = wanted
    const { traceId } = await ask(`${app.url}/orders/1`)
    await other.seen((span) => span.traceId === traceId)
    expect(other.requests.at(-1)?.headers['x-api-key']).toBe(wanted)
  }
  await app.stop()
  await other.stop()
})

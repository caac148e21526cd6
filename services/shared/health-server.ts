/**
 * /healthz, /readyz and /metrics for processes that serve nothing else.
 *
 * Plain node:http, since three fixed answers need no framework. Bounded: few connections, short
 * timeouts, no request body is ever read.
 */
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { messageOf } from './errors.ts'
import { listenFailure } from './listen.ts'
import type { Listeners } from './tls.ts'

/** `true`, or why not. */
export type Readiness = boolean | string

export interface HealthServerOptions {
  readonly service: string
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly registry: Registry
  readonly ready: () => Readiness
  readonly listeners: Pick<Listeners, 'create'>
}

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

const MAX_CONNECTIONS = 64
const TIMEOUT_MS = 5_000

const sendJson = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}

const sendReadiness = (response: ServerResponse, readiness: Readiness): void => {
  if (readiness === true) {
    sendJson(response, 200, { status: 'ready' })
  } else {
    sendJson(response, 503, { status: 'not ready', reason: readiness || 'not ready yet' })
  }
}

const sendMetrics = async (response: ServerResponse, registry: Registry): Promise<void> => {
  const text = await registry.metrics()
  response.writeHead(200, { 'content-type': registry.contentType })
  response.end(text)
}

const respond = async (
  options: HealthServerOptions,
  path: string,
  response: ServerResponse,
): Promise<void> => {
  switch (path) {
    case '/healthz':
      sendJson(response, 200, { status: 'alive', service: options.service })
      return
    case '/readyz':
      sendReadiness(response, options.ready())
      return
    case '/metrics':
      await sendMetrics(response, options.registry)
      return
    default:
      sendJson(response, 404, { title: 'Not found', paths: ['/healthz', '/readyz', '/metrics'] })
  }
}

const listen = (server: Server, { service, host, port }: HealthServerOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(listenFailure({ service, host, port, variable: 'METRICS_PORT' }, cause))
    })
    server.listen(port, host, resolve)
  })

export const startHealthServer = async (options: HealthServerOptions): Promise<HealthServer> => {
  const server = options.listeners.create((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('connection', 'close')
      sendJson(response, 405, { title: 'Only GET and HEAD' })
      return
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    respond(options, path, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { title: 'Failed', detail: messageOf(error) })
    })
  })
  server.requestTimeout = TIMEOUT_MS
  server.headersTimeout = TIMEOUT_MS
  server.keepAliveTimeout = TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, options)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

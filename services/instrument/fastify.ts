/** What Fastify (4 and 5) knows of a request: its route, and the error it failed with. By hooks, which Fastify announces each instance for. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { spanOf } from './served.ts'
import type { Service } from './span.ts'

const CHANNEL = 'fastify.initialization'

interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly routeOptions?: { readonly url?: string | undefined }
}
type Done = () => void
type OnRequest = (request: FastifyRequest, reply: unknown, done: Done) => void
type OnError = (request: FastifyRequest, reply: unknown, error: unknown, done: Done) => void

export interface FastifyLike {
  addHook(name: 'onRequest', hook: OnRequest): unknown
  addHook(name: 'onError', hook: OnError): unknown
}

/** Instances made from now on. Returns how to stop. */
export const watchFastify = (guard: (work: () => void) => void): (() => void) => {
  const onInstance = (message: unknown): void => {
    guard(() => {
      addHooks((message as { readonly fastify: FastifyLike }).fastify)
    })
  }
  subscribe(CHANNEL, onInstance)
  return () => {
    unsubscribe(CHANNEL, onInstance)
  }
}

const hooked = new WeakSet<FastifyLike>()

/** Once, however often it is called. */
export const addHooks = (app: FastifyLike): void => {
  if (hooked.has(app)) return
  hooked.add(app)
  app.addHook('onRequest', (request, _reply, done) => {
    const span = spanOf(request.raw)
    if (span !== undefined) span.route = request.routeOptions?.url ?? span.route
    done()
  })
  app.addHook('onError', (request, _reply, error, done) => {
    spanOf(request.raw)?.fail(error)
    done()
  })
}

/** All routes of this instance, or of this scope of one, belong to the service. */
export const nameService = (app: FastifyLike, service: Service): void => {
  app.addHook('onRequest', (request, _reply, done) => {
    const span = spanOf(request.raw)
    if (span !== undefined) span.service = service
    done()
  })
}

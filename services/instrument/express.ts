/**
 * What Express (4 and 5) knows of a request: its route through all routers, and the error it failed with.
 *
 * Express announces nothing in all of these versions, so its layers are watched: every middleware,
 * router and route is one, and all of a copy of Express share a prototype. It is found by the first
 * request of a server that an Express app listens to; no module is replaced while it loads.
 */
import type { IncomingMessage, Server } from 'node:http'
import { spanOf } from './served.ts'
import type { Span } from './span.ts'

type Next = (error?: unknown) => void
type HandleRequest = (this: Layer, request: ExpressRequest, response: unknown, next: Next) => void
type HandleError = (
  this: Layer,
  error: unknown,
  request: ExpressRequest,
  response: unknown,
  next: Next,
) => void

interface Layer {
  readonly route?: { readonly path?: unknown }
  handleRequest?: HandleRequest
  handleError?: HandleError
  handle_request?: HandleRequest
  handle_error?: HandleError
}

interface Router {
  readonly stack: readonly Layer[]
}

export interface ExpressApp {
  (request: never, response: never): unknown
  /** Express 5; in 4 a property that throws when it is read. */
  readonly router?: Router
  /** Express 4. */
  readonly _router?: Router
}

interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly params?: Readonly<Record<string, string | string[]>>
  readonly route?: { readonly path?: unknown }
  [MOUNTS]?: Map<string, string>
}

/** Templates of the paths at which routers are mounted, by the path that came. */
const MOUNTS = Symbol('millrace.mounts')
const MAX_MOUNTS = 16
/** `next('route')` and `next('router')` are no errors. */
const isSignal = (error: unknown): boolean => error === 'route' || error === 'router'

export const isExpressApp = (value: unknown): value is ExpressApp =>
  typeof value === 'function' && 'handle' in value && 'use' in value && 'set' in value

/** False: not yet, its first layer comes with its first route. */
export const watchExpress = (app: ExpressApp): boolean => {
  const router = app._router ?? routerOf(app)
  const layer = router?.stack[0]
  if (layer === undefined) return false
  watchLayers(Object.getPrototypeOf(layer) as Layer)
  return true
}

const routerOf = (app: ExpressApp): Router | undefined => {
  try {
    return app.router
  } catch {
    // Express 4 without a route yet.
    return undefined
  }
}

/** The Express app that a server's requests go to, if it is one. */
export const expressAppOf = (server: Server): ExpressApp | undefined =>
  server.listeners('request').find(isExpressApp)

const watched = new WeakSet<Layer>()

const watchLayers = (prototype: Layer): void => {
  if (watched.has(prototype)) return
  watched.add(prototype)
  const { handleRequest, handle_request, handleError, handle_error } = prototype
  if (handleRequest) prototype.handleRequest = requestWatcher(handleRequest)
  if (handle_request) prototype.handle_request = requestWatcher(handle_request)
  if (handleError) prototype.handleError = errorWatcher(handleError)
  if (handle_error) prototype.handle_error = errorWatcher(handle_error)
}

const requestWatcher = (original: HandleRequest): HandleRequest =>
  function (this: Layer, request, response, next) {
    const span = spanOf(request)
    if (span === undefined) {
      original.call(this, request, response, next)
      return
    }
    noteRoute(this, span, request)
    original.call(this, request, response, (error) => {
      if (error !== undefined && error !== null && !isSignal(error)) span.fail(error)
      next(error)
    })
  }

const errorWatcher = (original: HandleError): HandleError =>
  function (this: Layer, error, request, response, next) {
    spanOf(request)?.fail(error)
    original.call(this, error, request, response, next)
  }

const noteRoute = (layer: Layer, span: Span, request: ExpressRequest): void => {
  const base = request.baseUrl ?? ''
  const mounts = (request[MOUNTS] ??= new Map([['', '']]))
  if (!mounts.has(base) && mounts.size < MAX_MOUNTS) {
    mounts.set(base, mountTemplate(mounts, base, request.params ?? {}))
  }
  if (layer.route !== undefined) span.route = (mounts.get(base) ?? '') + pathText(layer.route.path)
}

/** What this router adds to the one around it. */
const mountTemplate = (
  mounts: ReadonlyMap<string, string>,
  base: string,
  params: Readonly<Record<string, string | string[]>>,
): string => {
  let outer = ''
  for (const known of mounts.keys()) {
    if (known.length > outer.length && base.startsWith(`${known}/`)) outer = known
  }
  return (mounts.get(outer) ?? '') + templateOf(base.slice(outer.length), params)
}

/**
 * Express keeps no template of a mount, only the path that matched and its parameters:
 * `/teams/7` with `{team: '7'}` was `/teams/:team`.
 */
export const templateOf = (
  path: string,
  params: Readonly<Record<string, string | string[]>>,
): string => {
  const names = Object.entries(params)
  return path
    .split('/')
    .map((segment) => {
      const found = names.findIndex(([, value]) => value === decoded(segment))
      if (segment === '' || found === -1) return segment
      const [[name]] = names.splice(found, 1) as [[string, unknown]]
      return `:${name}`
    })
    .join('/')
}

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** A route may be given as a pattern, or as a list. */
const pathText = (path: unknown): string => (Array.isArray(path) ? path.join(',') : String(path))

/** Of an app that is called by a handler of somebody's own, so that its layers are not watched. */
export const expressRoute = (request: ExpressRequest): string | undefined => {
  const path = request.route?.path
  if (path === undefined) return undefined
  const { baseUrl = '', params = {} } = request
  return templateOf(baseUrl, params) + pathText(path)
}

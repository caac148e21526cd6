/**
 * Identity for a Fastify server: every route says by `config.access` what it needs, and what comes
 * is checked before its body is read.
 *
 * G1: a route without a rule keeps the server from starting.
 */
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { authorize, type Identity } from './identity.ts'
import type { Access, Principal } from './principal.ts'
import { IdentityRefused } from './refusal.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks of whoever comes. */
    access?: Access
  }
  interface FastifyRequest {
    /** Who acts, for which tenant. On every route that is not `open`; see `signed` of `Access`. */
    principal: Principal
  }
}

export interface GuardOptions {
  readonly identity: Identity
  /** The tenants that a request names, wherever this server takes them from. */
  readonly askedTenants: (request: FastifyRequest) => readonly string[]
}

type GuardedInstance = Pick<FastifyInstance, 'addHook' | 'decorateRequest'>

/** To be called before the first route is declared. */
export const guard = (app: GuardedInstance, { identity, askedTenants }: GuardOptions): void => {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', (done) => {
    const bare = routes.filter(({ config }) => config?.access === undefined)
    const names = bare.map(({ method, url }) => `${[method].flat().join(',')} ${url}`)
    done(
      bare.length === 0
        ? undefined
        : new Error(`Routes without config.access: ${names.join('; ')}. Say who may use them.`),
    )
  })
  app.decorateRequest('principal')
  // Not async: a promise for each request would cost more than a key's check.
  app.addHook('onRequest', (request, reply, done) => {
    const { access } = request.routeOptions.config
    if (access === undefined || access === 'open') {
      done()
      return
    }
    const isSigned = typeof access === 'object' && 'signed' in access
    if (isSigned && identity.needsSignature(request.headers)) {
      done()
      return
    }
    const refuse = (error: unknown): void => {
      const challenge = error instanceof IdentityRefused ? error.challenge : undefined
      if (challenge !== undefined) void reply.header('www-authenticate', challenge)
      done(error as Error)
    }
    try {
      const grant = identity.authenticate(request.headers, request.ip)
      if (!(grant instanceof Promise)) {
        request.principal = authorize(grant, access, askedTenants(request))
        done()
        return
      }
      grant
        .then((verified) => {
          request.principal = authorize(verified, access, askedTenants(request))
        })
        .then(() => done(), refuse)
    } catch (error) {
      refuse(error)
    }
  })
}

/** For plugins that declare routes of their own (files, documentation): all of theirs are open. */
export const openRoutes = (app: GuardedInstance): void => {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'open' }
  })
}

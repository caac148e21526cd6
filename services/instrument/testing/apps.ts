/** The same small service on each framework, with one route of each kind. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express5, { type Express, type NextFunction, type Request, type Response } from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { currentTrace } from '../context.ts'

export interface RunningApp {
  readonly url: string
  readonly server: Server
  /** The app itself, as `instrument` takes it. */
  readonly app: object
  stop(): Promise<void>
}

export class OrderError extends Error {
  override readonly name = 'OrderError'
}

const boom = (): never => {
  throw new OrderError('no such order', { cause: new Error('the table is empty') })
}

const listening = async (server: Server, app: object): Promise<RunningApp> => {
  if (!server.listening) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    app,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** `GET /fetch?url=` calls on; the answer says which trace it ran in. */
const callOn = async (url: string) => {
  const before = currentTrace()
  const response = await fetch(url)
  return { before, answer: await response.text(), after: currentTrace() }
}

export const fastifyApp = async (): Promise<RunningApp> => {
  const app = fastify()
  app.get('/orders/:id', () => currentTrace())
  app.get('/boom', async () => boom())
  app.get('/handled', async () => boom())
  app.get('/teapot', (_request, reply) => reply.code(418).send('short'))
  app.get('/hang', () => new Promise(() => undefined))
  app.get<{ Querystring: { url: string } }>('/fetch', ({ query }) => callOn(query.url))
  app.post('/body', async () => {
    await Promise.resolve()
    return currentTrace()
  })
  await app.register(
    async (scope) => {
      scope.setErrorHandler((_error, _request, reply) => reply.code(503).send({ sorry: true }))
      scope.get('/:team/boom', async () => boom())
    },
    { prefix: '/teams' },
  )
  await app.listen({ host: '127.0.0.1', port: 0 })
  return listening(app.server, app)
}

const expressRoutes = (
  app: Express,
  routers: { Router: typeof express5.Router; json: typeof express5.json },
) => {
  app.get('/orders/:id', (_request, response) => {
    response.json(currentTrace())
  })
  app.get('/boom', boom)
  app.get('/teapot', (_request, response) => {
    response.status(418).send('short')
  })
  app.get('/hang', () => undefined)
  app.get('/fetch', (request, response, next) => {
    callOn(new URL(request.url, 'http://app').searchParams.get('url') ?? '').then(
      (answer) => response.json(answer),
      next,
    )
  })
  app.post('/body', routers.json(), (_request, response) => {
    response.json(currentTrace())
  })
  const members = routers.Router()
  members.get('/:member', (_request, response) => {
    response.json(currentTrace())
  })
  const teams = routers.Router()
  teams.use('/:team/members', members)
  teams.get('/:team/boom', (_request, _response, next) => {
    next(new OrderError('no such order'))
  })
  teams.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    response.status(503).json({ sorry: true })
  })
  app.use('/teams', teams)
}

export const express5App = (): Promise<RunningApp> => {
  const app = express5().set('env', 'test')
  expressRoutes(app, express5)
  return listening(createServer(app), app)
}

export const express4App = (): Promise<RunningApp> => {
  const app = express4().set('env', 'test')
  expressRoutes(app, express4)
  return listening(createServer(app), app)
}

export const plainApp = (): Promise<RunningApp> => {
  const serve: RequestListener = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app')
    if (pathname.startsWith('/orders/')) response.end(JSON.stringify(currentTrace()))
    else if (pathname === '/teapot') response.writeHead(418).end('short')
    else if (pathname === '/boom') response.writeHead(500).end('sorry')
    else if (pathname === '/hang') return
    else if (pathname === '/body') {
      let size = 0
      request.on('data', (chunk: Buffer) => (size += chunk.length))
      request.on('end', () => response.end(JSON.stringify({ ...currentTrace(), size })))
    } else if (pathname === '/fetch') {
      void callOn(searchParams.get('url') ?? '').then((answer) =>
        response.end(JSON.stringify(answer)),
      )
    } else response.writeHead(404).end()
  }
  const server = createServer(serve)
  return listening(server, server)
}

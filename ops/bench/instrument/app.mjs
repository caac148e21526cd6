/** What is measured: a service as small as possible, so that the instrument's share is as large as it can be. */
import { createServer } from 'node:http'
import process from 'node:process'
import express from 'express'
import fastify from 'fastify'

const answer = { orderId: 4711, status: 'placed' }

const servers = {
  async fastify() {
    const app = fastify()
    app.get('/orders/:id', async () => answer)
    await app.ready()
    return app.server
  },
  async express() {
    const app = express()
    app.get('/orders/:id', (_request, response) => response.json(answer))
    return createServer(app)
  },
  async http() {
    return createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer))
    })
  },
}

const server = await servers[process.argv[2]]()
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send(process.cpuUsage()))

import { createServer } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { type HealthServer, type Readiness, startHealthServer } from './health-server.ts'
import { createMetrics } from './metrics.ts'

const open: HealthServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

const start = async (ready: () => Readiness, port = 0) => {
  const metrics = createMetrics({ service: 'probe', processMetrics: false })
  metrics.counter({ name: 'probe_things_total', help: 'Things' }).inc()
  const server = await startHealthServer({
    service: 'probe',
    host: '127.0.0.1',
    port,
    registry: metrics.registry,
    ready,
    listeners: { create: (handler) => createServer(handler) },
  })
  open.push(server)
  return {
    port: server.port,
    get: (path: string, init?: RequestInit) =>
      fetch(`http://127.0.0.1:${server.port}${path}`, init),
  }
}

it('is alive, whether ready or not', async () => {
  const { get } = await start(() => 'restoring')
  const answer = await get('/healthz')
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ status: 'alive', service: 'probe' })
})

it.each<{ readiness: Readiness; status: number; says: string }>([
  { readiness: true, status: 200, says: 'ready' },
  { readiness: false, status: 503, says: 'not ready yet' },
  { readiness: 'restoring 3 of 4 tasks', status: 503, says: 'restoring 3 of 4 tasks' },
])('answers readiness $readiness with $status', async ({ readiness, status, says }) => {
  const { get } = await start(() => readiness)
  const answer = await get('/readyz?verbose')
  expect(answer.status).toBe(status)
  expect(await answer.text()).toContain(says)
})

it('shows the metrics in Prometheus text format', async () => {
  const { get } = await start(() => true)
  const answer = await get('/metrics')
  expect(answer.headers.get('content-type')).toContain('text/plain')
  expect(await answer.text()).toContain('probe_things_total{service="probe"} 1')
})

it('answers 500, not silence, when readiness itself fails', async () => {
  const { get } = await start(() => {
    throw new Error('bug')
  })
  expect((await get('/readyz')).status).toBe(500)
})

it('knows no other path and no other method', async () => {
  const { get } = await start(() => true)
  expect((await get('/')).status).toBe(404)
  expect((await get('/healthz', { method: 'POST', body: 'x' })).status).toBe(405)
})

it('says which port is taken', async () => {
  const first = await start(() => true)
  await expect(start(() => true, first.port)).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    exitCode: 2,
    message: expect.stringContaining(`127.0.0.1:${first.port}`) as string,
  })
})

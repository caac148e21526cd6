import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWaitingRoom, type WaitingRoom } from './waiting-room.ts'

const reason = () => 'no topic telemetry.metrics'
const anyPort = {
  listeners: { create: createServer },
  ...{ service: 'gateway', host: '127.0.0.1', port: 0, variable: 'GATEWAY_PORT' },
  reason,
}
let room: WaitingRoom

beforeAll(async () => {
  room = await openWaitingRoom(anyPort)
})
afterAll(() => room.close())

const ask = async (path: string, request?: RequestInit) => {
  const answer = await fetch(`http://127.0.0.1:${String(room.port)}${path}`, request)
  const retryAfter = answer.headers.get('retry-after')
  return { status: answer.status, retryAfter, body: await answer.json() }
}

it.each(['/ingest/metrics', '/api/v1/write', '/v1/logs'])(
  'asks senders back at %s',
  async (path) => {
    const request = { method: 'POST', body: Buffer.alloc(1_000_000) }
    const answer = await ask(path, request)
    expect(answer).toMatchObject({ status: 503, retryAfter: '5', body: { code: 'kafka-behind' } })
  },
)

it('is alive, and says why it is not ready', async () => {
  expect(await ask('/healthz')).toMatchObject({ status: 200 })
  const body = { status: 'not ready', reason: reason() }
  expect(await ask('/readyz')).toEqual({ status: 503, retryAfter: '5', body })
})

it('gives its port to who comes next', async () => {
  const first = await openWaitingRoom(anyPort)
  const taken = { ...anyPort, port: first.port }
  await expect(openWaitingRoom(taken)).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
  await first.close()
  const second = await openWaitingRoom(taken)
  await second.close()
})

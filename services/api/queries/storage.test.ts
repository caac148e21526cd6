import { ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { createStorage, toStorageProblem, usualPatience } from './storage.ts'

const refusal = (type: string, code: string) =>
  new ClickHouseError({ message: `${type} happened. \nsecond line`, code, type })

it.each([
  { type: 'UNKNOWN_TABLE', code: '60', problem: 'storage-not-prepared', status: 503, retry: 5 },
  { type: 'UNKNOWN_DATABASE', code: '81', problem: 'storage-not-prepared', status: 503, retry: 5 },
  { type: 'TIMEOUT_EXCEEDED', code: '159', problem: 'query-too-slow', status: 503, retry: 5 },
  {
    type: 'TOO_MANY_ROWS_OR_BYTES',
    code: '396',
    problem: 'result-too-large',
    status: 422,
    retry: undefined,
  },
  { type: 'MEMORY_LIMIT_EXCEEDED', code: '241', problem: 'storage-busy', status: 503, retry: 5 },
  {
    type: 'AUTHENTICATION_FAILED',
    code: '516',
    problem: 'storage-unavailable',
    status: 503,
    retry: 5,
  },
  { type: 'SYNTAX_ERROR', code: '62', problem: 'internal', status: 500, retry: undefined },
])('$type becomes $problem', ({ type, code, problem, status, retry }) => {
  expect(toStorageProblem(refusal(type, code))).toMatchObject({
    code: problem,
    status,
    retryAfterSeconds: retry,
  })
})

it('says that nobody listens where ClickHouse should be', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const url = `http://127.0.0.1:${port}`
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF } })
  await expect(createStorage(client).rows({ sql: 'SELECT 1' })).rejects.toMatchObject({
    code: 'storage-unavailable',
    retryAfterSeconds: 5,
    message: expect.stringContaining('ECONNREFUSED'),
  })
  await client.close()
})

/** Reads requests and answers those whose path begins with `answered`, after `delayMs`. */
const serverThat = async ({ answered, delayMs }: { answered: RegExp; delayMs: number }) => {
  const server = createHttpServer((request, response) => {
    if (!answered.test(request.url ?? '')) return
    request.resume()
    const isPing = request.url?.startsWith('/ping') === true
    setTimeout(() => response.end(isPing ? 'Ok.\n' : '{"a":1}\n'), isPing ? 0 : delayMs)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF } })
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await client.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

it('says that ClickHouse hangs when its patience is over, which is less than 5 s', async () => {
  await using hanging = await serverThat({ answered: /^never$/, delayMs: 0 })
  const storage = createStorage(hanging.client, { quietMs: 100, pingMs: 100 })
  await expect(storage.rows({ sql: 'SELECT 1' })).rejects.toMatchObject({
    code: 'storage-unavailable',
    status: 503,
    message: expect.stringContaining('does not answer'),
  })
  expect(usualPatience.quietMs + usualPatience.pingMs).toBeLessThan(5_000)
})

it('waits for a slow query as long as ClickHouse is there', async () => {
  await using slow = await serverThat({ answered: /./, delayMs: 700 })
  const storage = createStorage(slow.client, { quietMs: 100, pingMs: 400 })
  await expect(storage.rows({ sql: 'SELECT 1 AS a' })).resolves.toEqual([{ a: 1 }])
})

import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '../shared/problem.ts'
import { bodyOf, BodyReader } from './bodies.ts'

const LIMIT = 1_000
let reader: BodyReader
let app: FastifyInstance

beforeEach(() => {
  reader = new BodyReader({ bodyBytes: LIMIT, allBytes: 2_500, timeoutMs: 100 })
  app = fastify()
  app.decorateRequest('incoming', null)
  app.setErrorHandler((error, _request, reply) =>
    error instanceof Problem
      ? reply.code(error.status).send({ code: error.code, field: error.at?.field })
      : reply.send(error),
  )
  reader.install(app, {
    mediaTypes: ['application/json'],
    encodings: ['gzip', 'deflate', 'br', 'zstd'],
    leftAlone: ['snappy'],
  })
  app.post('/', (request) => ({ body: bodyOf(request).toString('latin1'), held: reader.heldBytes }))
})
afterEach(() => app.close())

const post = (body: Buffer | string, headers: Readonly<Record<string, string>> = {}) =>
  app.inject({
    method: 'POST',
    url: '/',
    payload: body,
    headers: { 'content-type': 'application/json', ...headers },
  })

describe('what is taken', () => {
  const text = 'x'.repeat(LIMIT)

  it.each([
    { encoding: 'identity', body: Buffer.from(text) },
    { encoding: 'gzip', body: gzipSync(text) },
    { encoding: 'GZIP', body: gzipSync(text) },
    { encoding: 'gzip', body: Buffer.concat([gzipSync('x'), gzipSync(text.slice(1))]) },
    { encoding: 'deflate', body: deflateSync(text) },
    { encoding: 'br', body: brotliCompressSync(text) },
    { encoding: 'zstd', body: zstdCompressSync(text) },
  ])('a body in $encoding', async ({ encoding, body }) => {
    const answer = await post(body, { 'content-encoding': encoding })
    expect(answer.json()).toMatchObject({ body: text })
  })

  it('one that is left as it is', async () => {
    const answer = await post('packed', { 'content-encoding': 'snappy' })
    expect(answer.json()).toMatchObject({ body: 'packed' })
  })

  it('a type with parameters, and any case', async () => {
    const answer = await post('x', { 'content-type': 'Application/JSON; charset=utf-8' })
    expect(answer.statusCode).toBe(200)
  })

  it('as many bytes as a door says, but no more than all may have', () => {
    const install = (limitBytes: number) =>
      reader.install(fastify(), { mediaTypes: [], encodings: [], limitBytes })
    expect([install(LIMIT / 2), install(LIMIT * 2)]).toEqual([LIMIT / 2, LIMIT])
  })

  it('no body', async () => {
    expect((await app.inject({ method: 'POST', url: '/' })).json()).toMatchObject({ body: '' })
  })
})

describe('what is refused', () => {
  const bomb = Buffer.alloc(50_000_000)
  const cut = (body: Buffer) => body.subarray(0, body.length - 4)

  it.each([
    {
      title: 'another type',
      headers: { 'content-type': 'text/plain' },
      code: 'media-type-unknown',
    },
    { title: 'no type', headers: { 'content-type': '' }, code: 'media-type-unknown' },
    {
      title: 'another encoding',
      headers: { 'content-encoding': 'lzma' },
      code: 'encoding-unknown',
    },
    {
      title: 'two of them',
      headers: { 'content-encoding': 'gzip, gzip' },
      code: 'encoding-unknown',
    },
    { title: 'a byte too many', body: 'x'.repeat(LIMIT + 1), code: 'body-too-large' },
    {
      title: 'a byte too many, unpacked',
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync('x'.repeat(LIMIT + 1)),
      code: 'body-too-large',
    },
    {
      title: 'no gzip',
      headers: { 'content-encoding': 'gzip' },
      body: 'plain',
      code: 'body-malformed',
    },
    {
      title: 'a cut gzip',
      headers: { 'content-encoding': 'gzip' },
      body: cut(gzipSync('x'.repeat(100))),
      code: 'body-malformed',
    },
    {
      title: 'a cut brotli',
      headers: { 'content-encoding': 'br' },
      body: cut(brotliCompressSync('x'.repeat(100))),
      code: 'body-malformed',
    },
    {
      title: 'a cut zstd',
      headers: { 'content-encoding': 'zstd' },
      body: cut(zstdCompressSync('abcdefghijklmnopqrstuvwxyz')),
      code: 'body-malformed',
    },
  ])('$title', async ({ headers = {}, body = 'x', code }) => {
    const answer = await post(body, headers)
    expect(answer.json()).toMatchObject({ code })
    expect(reader.heldBytes).toBe(0)
  })

  it('bombs, without unpacking them', async () => {
    const large = new BodyReader({ bodyBytes: 1_000_000, allBytes: 10_000_000, timeoutMs: 1000 })
    const other = fastify()
    other.decorateRequest('incoming', null)
    large.install(other, { mediaTypes: ['application/json'], encodings: ['gzip', 'br', 'zstd'] })
    other.post('/', () => 'taken')
    const packed = {
      gzip: gzipSync(bomb),
      br: brotliCompressSync(bomb),
      zstd: zstdCompressSync(bomb),
    }
    for (const [encoding, payload] of Object.entries(packed)) {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
      const answer = await other.inject({ method: 'POST', url: '/', payload, headers })
      expect([encoding, answer.body]).toEqual([
        encoding,
        expect.stringContaining('unpacks to more'),
      ])
    }
    expect(large.heldBytes).toBe(0)
    await other.close()
  })
})

describe('on a real connection', () => {
  const start = async (headers: Readonly<Record<string, string>>) => {
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const request = httpRequest(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    })
    const answered = once(request, 'response').then(([response]) => {
      const { statusCode } = response as { statusCode: number }
      ;(response as NodeJS.ReadableStream).resume()
      return statusCode
    })
    return { request, answered }
  }

  it('stops one without a length that is too large', async () => {
    const { request, answered } = await start({})
    request.end('x'.repeat(LIMIT + 1))
    expect(await answered).toBe(413)
  })

  it('does not wait for one that does not come', async () => {
    const { request, answered } = await start({ 'content-length': '10' })
    request.write('x')
    expect(await answered).toBe(408)
    request.destroy()
  })

  it('gives back what a broken connection held', async () => {
    const { request, answered } = await start({ 'content-length': '10' })
    answered.catch(() => undefined)
    request.write('x')
    await expect.poll(() => reader.heldBytes).toBe(1)
    request.on('error', () => undefined)
    request.destroy()
    await expect.poll(() => reader.heldBytes).toBe(0)
  })
})

it('holds so many bytes of all that have not been answered, and half of that of one sender', async () => {
  const shared = new BodyReader({ bodyBytes: LIMIT, allBytes: 3_500, timeoutMs: 100 })
  const gate = Promise.withResolvers<undefined>()
  const slow = fastify()
  slow.decorateRequest('incoming', null)
  slow.setErrorHandler((error, _request, reply) =>
    error instanceof Problem ? reply.code(error.status).send(error.code) : reply.send(error),
  )
  shared.install(slow, { mediaTypes: ['application/json'], encodings: [] })
  slow.post('/', async () => {
    await gate.promise
    return 'taken'
  })
  const send = (remoteAddress: string) =>
    slow.inject({
      method: 'POST',
      url: '/',
      remoteAddress,
      payload: 'x'.repeat(LIMIT),
      headers: { 'content-type': 'application/json' },
    })
  const held = [send('10.0.0.1'), send('10.0.0.2'), send('10.0.0.3')]
  await expect.poll(() => shared.heldBytes).toBe(3 * LIMIT)
  const again = await send('10.0.0.1')
  expect([again.statusCode, again.body]).toEqual([429, 'sender-over-share'])
  const fourth = await send('10.0.0.4')
  expect([fourth.statusCode, fourth.body]).toEqual([503, 'bodies-too-many'])
  gate.resolve(undefined)
  expect((await Promise.all(held)).map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
  await expect.poll(() => shared.heldBytes).toBe(0)
  await slow.close()
})

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { SchemaRegistryClient, UNKNOWN_SCHEMA } from './registry.ts'

const schema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] }
const servers: Server[] = []

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/ccompat/v7`
}

/** Answers each request with the next of `answers`, the last one again and again. */
const answering = async (...answers: readonly { status?: number; body: unknown }[]) => {
  const asked: string[] = []
  const url = await serve((request, response) => {
    const { status = 200, body } = answers[Math.min(asked.length, answers.length - 1)] ?? {}
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    response.statusCode = status
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  return { url, asked }
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const found = { body: { schema: JSON.stringify(schema) } }
const missing = { status: 404, body: { error_code: 40_403, message: 'Schema not found' } }

describe('looking a schema up', () => {
  it('asks once, however many wait for it, and knows it from then on', async () => {
    const { url, asked } = await answering(found)
    const client = new SchemaRegistryClient({ url })
    expect(client.schemaOf(7)).toBeUndefined()
    const all = await Promise.all([client.lookUp(7), client.lookUp(7), client.lookUp(7)])
    expect(all).toEqual([schema, schema, schema])
    expect(client.schemaOf(7)).toEqual(schema)
    await client.lookUp(7)
    expect(asked).toEqual(['GET /apis/ccompat/v7/schemas/ids/7'])
  })

  it.each([
    { title: 'schemas', answer: found, limit: 1_000 },
    { title: 'unknown ids', answer: missing, limit: 10_000 },
  ])('forgets the oldest of too many $title', async ({ answer, limit }) => {
    const { url } = await answering(answer)
    const client = new SchemaRegistryClient({ url })
    for (let id = 0; id <= limit; id += 500) {
      const some = Array.from({ length: Math.min(500, limit + 1 - id) }, (_, index) => id + index)
      await Promise.all(some.map((each) => client.lookUp(each)))
    }
    const known = Array.from({ length: limit + 1 }, (_, id) => id).filter(
      (id) => client.schemaOf(id) !== undefined,
    )
    expect(known).toHaveLength(limit)
  })

  it('remembers for a minute that an id is unknown, and no longer', async () => {
    const { url, asked } = await answering(missing, found)
    let now = 0
    const client = new SchemaRegistryClient({ url, now: () => now })
    expect(await client.lookUp(7)).toBe(UNKNOWN_SCHEMA)
    now = 59_999
    expect(client.schemaOf(7)).toBe(UNKNOWN_SCHEMA)
    expect(await client.lookUp(7)).toBe(UNKNOWN_SCHEMA)
    expect(asked).toHaveLength(1)
    now = 60_000
    expect(client.schemaOf(7)).toBeUndefined()
    expect(await client.lookUp(7)).toEqual(schema)
  })

  it('takes a schema that is not Avro for unknown', async () => {
    const { url } = await answering({ body: { schemaType: 'PROTOBUF', schema: 'syntax' } })
    expect(await new SchemaRegistryClient({ url }).lookUp(1)).toBe(UNKNOWN_SCHEMA)
  })

  it('sends the login', async () => {
    let header: string | undefined
    const url = await serve((request, response) => {
      header = request.headers.authorization
      response.end(JSON.stringify(found.body))
    })
    await new SchemaRegistryClient({
      url,
      login: { username: 'u', password: () => Promise.resolve('p:q') },
    }).lookUp(1)
    expect(header).toBe(`Basic ${Buffer.from('u:p:q').toString('base64')}`)
  })
})

describe('a registry in trouble', () => {
  it.each([
    { title: 'status 500', answer: { status: 500, body: { error_code: 50_001, message: 'x' } } },
    { title: 'status 503 without a body', answer: { status: 503, body: '' } },
    { title: 'too many requests', answer: { status: 429, body: '' } },
    { title: 'a page instead of JSON', answer: { body: '<html>' } },
  ])('$title is waited for', async ({ answer }) => {
    const { url, asked } = await answering(answer, found)
    const client = new SchemaRegistryClient({ url })
    const unreachable = { code: 'REGISTRY_UNREACHABLE', retryable: true }
    await expect(client.lookUp(7)).rejects.toMatchObject(unreachable)
    expect(asked).toHaveLength(1) // The back-off is the caller's.
    expect(client.schemaOf(7)).toBeUndefined()
    expect(await client.lookUp(7)).toEqual(schema)
  })

  it.each([
    {
      title: 'another server says 404',
      answer: { status: 404, body: 'no such page' },
      code: 'REGISTRY_REFUSED',
    },
    {
      title: 'a wrong path',
      answer: { status: 404, body: { error_code: 404, message: 'no resource' } },
      code: 'REGISTRY_REFUSED',
    },
    { title: 'a wrong login', answer: { status: 401, body: '' }, code: 'REGISTRY_UNAUTHORIZED' },
  ])('$title is nothing to wait for, and no dead letter', async ({ answer, code }) => {
    const { url } = await answering(answer)
    const client = new SchemaRegistryClient({ url })
    await expect(client.lookUp(7)).rejects.toMatchObject({ code, retryable: false })
    expect(client.schemaOf(7)).toBeUndefined()
  })

  const unreachable = { code: 'REGISTRY_UNREACHABLE', retryable: true }

  it('nobody listens', async () => {
    const url = await serve(() => undefined)
    const server = servers.pop()
    server?.close()
    if (server !== undefined) await once(server, 'close')
    await expect(new SchemaRegistryClient({ url }).lookUp(1)).rejects.toMatchObject(unreachable)
  })

  it.each([
    { title: 'no answer', begin: undefined },
    { title: 'an answer that stops halfway', begin: '{"schema":' },
  ])('$title ends with the time allowed', async ({ begin }) => {
    const url = await serve((_, response) => {
      if (begin !== undefined) response.write(begin)
    })
    const client = new SchemaRegistryClient({ url, requestTimeoutMs: 50 })
    const lookup = client.lookUp(1)
    await expect(lookup).rejects.toMatchObject(unreachable)
    await expect(lookup).rejects.toThrow('no answer within 50 ms')
  })

  it('the connection breaks in the middle of the answer', async () => {
    const url = await serve((_, response) => {
      response.write('{"schema":', () => response.destroy())
    })
    await expect(new SchemaRegistryClient({ url }).lookUp(1)).rejects.toMatchObject(unreachable)
  })
})

describe('subjects', () => {
  it('names the newest version, or nothing', async () => {
    const latest = { id: 3, version: 2, subject: 'a/b-value', schema: JSON.stringify(schema) }
    const gone = { status: 404, body: { error_code: 40_401, message: 'Subject not found' } }
    const { url, asked } = await answering({ body: latest }, gone)
    const client = new SchemaRegistryClient({ url })
    expect(await client.latest('a/b-value')).toEqual({ id: 3, version: 2, schema })
    expect(client.schemaOf(3)).toEqual(schema)
    expect(await client.latestId('a/b-value')).toBeUndefined()
    expect(asked[0]).toBe('GET /apis/ccompat/v7/subjects/a%2Fb-value/versions/latest')
  })
})

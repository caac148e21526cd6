import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { registerSchema } from './registry-package.ts'

const servers: Server[] = []
const serve = async (
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> => {
  const server = createServer(handle).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/ccompat/v7`
}
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

interface Answer {
  readonly status?: number
  readonly body: unknown
}

/** Answers the question for the rule with `rule`, and the registration with `registered`. */
const registry = async (registered: Answer, rule: Answer = RULE) => {
  const asked: { what: string; body: string; login: string | undefined }[] = []
  const url = await serve((request, response) => {
    void text(request).then((body) => {
      const login = request.headers.authorization
      asked.push({ what: `${request.method ?? ''} ${request.url ?? ''}`, body, login })
      const { status = 200, body: answer } = request.method === 'GET' ? rule : registered
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  })
  return { url, asked }
}

const RULE: Answer = { body: { compatibilityLevel: 'FULL_TRANSITIVE' } }
const schema = { type: 'record', name: 'T', fields: [{ name: 'a', type: 'string', doc: 'kept' }] }
const version = { subject: 'a/b-value', schema, compatibility: 'FULL_TRANSITIVE' } as const

it('registers the schema as it stands, with the login, and says its id', async () => {
  const { url, asked } = await registry({ body: { id: 7 } })
  const login = { username: 'u', password: () => Promise.resolve('p') }
  expect(await registerSchema({ url, login }, version)).toBe(7)
  expect(asked.map(({ what }) => what)).toEqual([
    'GET /apis/ccompat/v7/config/a%2Fb-value',
    'POST /apis/ccompat/v7/subjects/a%2Fb-value/versions',
  ])
  expect(JSON.parse(asked[1]?.body ?? '')).toEqual({ schema: JSON.stringify(schema) })
  expect(asked[1]?.login).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`)
})

describe('a refusal keeps its meaning, and is not repeated', () => {
  it.each([
    {
      title: 'an incompatible schema',
      answer: { status: 409, body: { error_code: 409, message: 'field b has no default' } },
      error: { code: 'SCHEMA_INCOMPATIBLE', message: expect.stringContaining('has no default') },
    },
    {
      title: 'a wrong login',
      answer: { status: 401, body: '' },
      error: { code: 'REGISTRY_UNAUTHORIZED' },
    },
    {
      title: 'a schema it does not understand',
      answer: { status: 422, body: { error_code: 42_201, message: 'no Avro' } },
      error: { code: 'REGISTRY_REFUSED', retryable: false },
    },
    {
      title: 'trouble of its own',
      answer: { status: 500, body: { error_code: 50_001, message: 'x' } },
      error: { code: 'REGISTRY_UNREACHABLE', retryable: true },
    },
    {
      title: 'a page instead of an answer',
      answer: { status: 200, body: '<html>' },
      error: { code: 'REGISTRY_UNREACHABLE', retryable: true },
    },
    { title: 'no id', answer: { body: {} }, error: { code: 'REGISTRY_UNREACHABLE' } },
  ])('$title', async ({ answer, error }) => {
    const { url, asked } = await registry(answer)
    await expect(registerSchema({ url }, version)).rejects.toMatchObject(error)
    expect(asked).toHaveLength(2)
  })

  it('another rule than the one it was told', async () => {
    const { url } = await registry({ body: { id: 7 } }, { body: { compatibilityLevel: 'NONE' } })
    await expect(registerSchema({ url }, version)).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringContaining('NONE') as unknown,
    })
  })
})

describe('a registry that is not there is said to be unreachable', () => {
  const unreachable = { code: 'REGISTRY_UNREACHABLE', retryable: true }

  it('when nobody listens', async () => {
    const url = await serve(() => undefined)
    const server = servers.pop()
    server?.close()
    if (server !== undefined) await once(server, 'close')
    await expect(registerSchema({ url }, version)).rejects.toMatchObject(unreachable)
  })

  it.each([
    { title: 'when it does not answer', begin: undefined },
    { title: 'when its answer stops halfway', begin: '{"compatibilityLevel":' },
  ])('$title, within the time allowed', async ({ begin }) => {
    const url = await serve((_, response) => {
      if (begin !== undefined) response.write(begin)
    })
    await expect(registerSchema({ url, requestTimeoutMs: 50 }, version)).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringContaining('no answer within 50 ms') as unknown,
    })
  })

  it('when the connection breaks in the middle of the answer', async () => {
    const url = await serve((_, response) => {
      response.write('{"compatibilityLevel":', () => response.destroy())
    })
    await expect(registerSchema({ url, requestTimeoutMs: 200 }, version)).rejects.toMatchObject(
      unreachable,
    )
  })
})

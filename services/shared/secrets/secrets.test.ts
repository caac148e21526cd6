/** Secrets by reference; Vault as a server that answers what its documentation says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../secret.ts'
import { createSecrets, type Secrets } from './secrets.ts'
import { Vault } from './vault.ts'

interface Answer {
  readonly status: number
  readonly body: unknown
}

let folder: string
let server: Server
let address: string
let answers: Record<string, Answer>
let asked: string[]
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
  server = createServer((request, response) => {
    const path = `${String(request.method)} ${String(request.url)}`
    asked.push(path)
    const isKnown = request.headers['x-vault-token'] === 's.root'
    const denied = { status: 403, body: { errors: ['permission denied'] } }
    const found = isKnown ? (answers[path] ?? { status: 404, body: { errors: [] } }) : denied
    response.writeHead(found.status, { 'content-type': 'application/json' })
    response.end(typeof found.body === 'string' ? found.body : JSON.stringify(found.body))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  asked = []
  writeFileSync(join(folder, 'token'), 's.root\n')
  answers = {
    'GET /v1/secret/data/millrace/tls': {
      status: 200,
      body: { data: { data: { key: 'hunter2', port: 1 }, metadata: { version: 2 } } },
    },
    'GET /v1/secret/data/sealed': { status: 503, body: { errors: ['Vault is sealed'] } },
    'GET /v1/secret/data/page': { status: 200, body: '<html>' },
  }
})

const secrets = (): Secrets =>
  createSecrets({
    vault: { address, token: `file:${join(folder, 'token')}`, namespace: undefined },
  })

describe('a reference', () => {
  it('to a file is read anew each time', async () => {
    const file = join(folder, 'secret')
    writeFileSync(file, 'old\n')
    expect((await secrets().resolve(`file:${file}`)).reveal()).toBe('old')
    writeFileSync(file, 'new')
    expect((await secrets().resolve(`file:${file}`)).reveal()).toBe('new')
  })

  it('to a field in Vault gives its newest version', async () => {
    expect((await secrets().resolve('vault:secret/millrace/tls#key')).reveal()).toBe('hunter2')
  })

  it('to Vault uses the token of the moment', async () => {
    const own = secrets()
    writeFileSync(join(folder, 'token'), 's.old')
    await expect(own.resolve('vault:secret/millrace/tls#key')).rejects.toThrow(/refuses the token/)
    writeFileSync(join(folder, 'token'), 's.root')
    expect((await own.resolve('vault:secret/millrace/tls#key')).reveal()).toBe('hunter2')
  })

  it.each([
    { reference: 'hunter2', code: 'SECRET_INVALID' },
    { reference: 'file:/nowhere/at/all', code: 'SECRET_INVALID' },
    { reference: 'env:NO_SUCH_VARIABLE_HERE', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/millrace/tls', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/millrace/tls#none', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/millrace/tls#port', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/nothing#key', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/sealed#key', code: 'SECRET_UNAVAILABLE' },
    { reference: 'vault:secret/page#key', code: 'SECRET_UNAVAILABLE' },
  ])('$reference: $code, and no secret is said', async ({ reference, code }) => {
    const failing = secrets().resolve(reference)
    await expect(failing).rejects.toMatchObject({ code })
    await expect(failing).rejects.not.toThrow(/hunter2|s\.root/)
  })

  it('to a Vault that is away can be tried again', async () => {
    const vault = { address: 'http://127.0.0.1:1', token: `file:${join(folder, 'token')}` }
    const away = createSecrets({ vault: { ...vault, namespace: undefined } })
    await expect(away.resolve('vault:secret/a#b')).rejects.toMatchObject({ retryable: true })
  })
})

describe('a leased token', () => {
  const vault = () => new Vault({ address, token: () => Promise.resolve(new Secret('s.root')) })
  const lookUp = (ttl: number, renewable = true, creation_ttl = 100): void => {
    answers['GET /v1/auth/token/lookup-self'] = {
      status: 200,
      body: { data: { ttl, renewable, creation_ttl } },
    }
    answers['POST /v1/auth/token/renew-self'] = {
      status: 200,
      body: { auth: { lease_duration: 100, renewable: true } },
    }
  }

  it.each([
    { title: 'fresh', ttl: 51, renewable: true, given: 100, left: 51, asks: 1 },
    { title: 'half used', ttl: 50, renewable: true, given: 100, left: 50, asks: 1 },
    { title: 'more than half used', ttl: 49, renewable: true, given: 100, left: 100, asks: 2 },
    { title: 'that cannot be renewed', ttl: 5, renewable: false, given: 100, left: 5, asks: 1 },
    { title: 'without end', ttl: 0, renewable: false, given: 0, left: Infinity, asks: 1 },
  ])('$title has $left s left', async ({ ttl, renewable, given, left, asks }) => {
    lookUp(ttl, renewable, given)
    expect(await vault().keepToken()).toBe(left)
    expect(asked).toHaveLength(asks)
  })
})

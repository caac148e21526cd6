/** Secrets by reference; Vault as a server that answers what its documentation says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../secret.ts'
import { createLogger } from '../logger.ts'
import { Secrets } from './secrets.ts'
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

const secrets = (vaultAddress = address): Secrets =>
  new Secrets({
    vault: {
      address: vaultAddress,
      token: `file:${join(folder, 'token')}`,
      namespace: undefined,
    },
    variable: (name) => ({ KNOWN: 'hunter2', EMPTY: '' })[name],
  })
const at = (reference: string, own = secrets()) => own.at({ name: 'SETTING', reference })
const textAt = async (reference: string) => (await at(reference).read()).reveal()

describe('a reference', () => {
  it('to a variable', async () => {
    expect(await textAt('env:KNOWN')).toBe('hunter2')
  })

  it('to a file gives its text without its last newline', async () => {
    writeFileSync(join(folder, 'secret'), 'hunter2\n')
    expect(await textAt(`file:${join(folder, 'secret')}`)).toBe('hunter2')
  })

  it('to a field in Vault gives its newest version', async () => {
    expect(await textAt('vault:secret/millrace/tls#key')).toBe('hunter2')
  })

  it('to Vault uses the token of the moment', async () => {
    const secret = at('vault:secret/millrace/tls#key')
    writeFileSync(join(folder, 'token'), 's.old')
    await expect(secret.read()).rejects.toThrow(/refuses the token/)
    writeFileSync(join(folder, 'token'), 's.root')
    expect((await secret.read()).reveal()).toBe('hunter2')
  })

  it.each([
    { reference: 'hunter2', code: 'SECRET_INVALID' },
    { reference: 'file:/nowhere/at/all', code: 'SECRET_INVALID' },
    { reference: 'env:UNKNOWN', code: 'SECRET_INVALID' },
    { reference: 'env:EMPTY', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/millrace/tls', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/millrace/tls#none', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/millrace/tls#port', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/nothing#key', code: 'SECRET_INVALID' },
    { reference: 'vault:secret/sealed#key', code: 'SECRET_UNAVAILABLE' },
    { reference: 'vault:secret/page#key', code: 'SECRET_UNAVAILABLE' },
  ])('$reference: $code, the setting is named and no secret', async ({ reference, code }) => {
    const failing = at(reference).read()
    await expect(failing).rejects.toMatchObject({ code })
    await expect(failing).rejects.toThrow(/^SETTING/)
    await expect(failing).rejects.not.toThrow(/hunter2|s\.root/)
  })

  it('to a Vault that is away can be tried again', async () => {
    const away = at('vault:secret/a#b', secrets('http://127.0.0.1:1'))
    await expect(away.current()).rejects.toMatchObject({ retryable: true })
  })
})

describe('a secret in use', () => {
  const said: string[] = []
  const logger = createLogger({
    service: 'test',
    level: 'info',
    destination: { write: (line) => said.push((JSON.parse(line) as { msg: string }).msg) },
  })
  const file = () => join(folder, 'live')
  const faultOf = (text: string) => (text.length < 3 ? 'has fewer than 3 characters' : undefined)
  beforeEach(() => {
    said.length = 0
    writeFileSync(file(), 'old')
  })

  it('is replaced when all are read again, and only then', async () => {
    const own = secrets('http://127.0.0.1:1')
    const secret = at(`file:${file()}`, own)
    expect((await secret.current()).reveal()).toBe('old')
    writeFileSync(file(), 'new')
    expect((await secret.current()).reveal()).toBe('old')
    await own.refresh(logger)
    expect((await secret.current()).reveal()).toBe('new')
    expect(secret.last?.reveal()).toBe('new')
    expect(said).toContain('A secret was replaced')
  })

  it.each([
    { title: 'removed', spoil: () => rmSync(file()) },
    { title: 'emptied', spoil: () => writeFileSync(file(), '') },
    { title: 'of no use', spoil: () => writeFileSync(file(), 'no') },
  ])('holds while its file is $title, with one warning', async ({ spoil }) => {
    const own = new Secrets({ vault: undefined, variable: () => undefined })
    const secret = own.at({ name: 'SETTING', reference: `file:${file()}`, faultOf })
    await own.readAll()
    spoil()
    await own.refresh(logger)
    await own.refresh(logger)
    expect((await secret.current()).reveal()).toBe('old')
    expect(said).toEqual(['A secret cannot be read; the last one holds'])
    writeFileSync(file(), 'new')
    await own.refresh(logger)
    expect((await secret.current()).reveal()).toBe('new')
  })

  it('that is of no use at the start is an error, which does not show it', async () => {
    writeFileSync(file(), 'no')
    const own = secrets()
    own.at({ name: 'SETTING', reference: `file:${file()}`, faultOf })
    await expect(own.readAll()).rejects.toThrow(/^SETTING refers .* has fewer than 3 characters/)
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

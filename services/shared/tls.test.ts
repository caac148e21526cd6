/** TLS with certificates made here, replaced while the server runs. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket, type ConnectionOptions } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../ops/test/eventually.ts'
import { readConfig, type RawEnvironment } from './config.ts'
import { createLogger } from './logger.ts'
import { openListeners, type Listeners } from './tls.ts'

let folder: string
const lines: string[] = []
const logger = createLogger({
  service: 'test',
  level: 'info',
  destination: { write: (line) => lines.push(line) },
})

/** By openssl, which every Linux and macOS has: Node makes no certificates. */
const certificate = (name: string): void => {
  const days = ['-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...kind, ...days, ...made], { stdio: 'ignore' })
}
const install = (name: string, ...parts: readonly ('key' | 'crt')[]): void => {
  for (const part of parts) cpSync(join(folder, `${name}.${part}`), join(folder, `live.${part}`))
}
const pem = (file: string): string => readFileSync(join(folder, file), 'utf8')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  for (const name of ['first', 'second', 'client', 'stranger']) certificate(name)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

let listeners: Listeners | undefined
let close: (() => Promise<void>) | undefined
afterEach(async () => {
  listeners?.close()
  await close?.()
  close = undefined
  lines.length = 0
})

const serve = async (environment: RawEnvironment = {}): Promise<number> => {
  install('first', 'crt', 'key')
  const config = readConfig({
    TLS_CERT: `file:${join(folder, 'live.crt')}`,
    TLS_KEY: `file:${join(folder, 'live.key')}`,
    ...environment,
  })
  listeners = await openListeners({ ...config, secretsRefreshMs: 20 }, logger)
  const server = listeners.create((_request, response) => response.end('hello'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  close = () => new Promise((done) => server.close(() => done()).closeAllConnections())
  return (server.address() as AddressInfo).port
}

/** Who answers, by the name in its certificate. */
const ask = (port: number, options: ConnectionOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { port, host: '127.0.0.1', agent: false, rejectUnauthorized: false, ...options },
      (answer) => {
        const { socket } = answer
        const name = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : ''
        answer.resume().once('end', () => resolve(String(name)))
      },
    )
    asked.once('error', reject).end()
  })

describe('a listener', () => {
  it('shows the certificate it was given, to clients that check it', async () => {
    const port = await serve()
    expect(await ask(port, { rejectUnauthorized: true, ca: pem('first.crt') })).toBe('first')
    await expect(ask(port, { rejectUnauthorized: true, ca: pem('second.crt') })).rejects.toThrow()
  })

  it('takes a new certificate while it runs, and never half of one', async () => {
    const port = await serve()
    install('second', 'crt')
    const warned = () => lines.some((line) => line.includes('cannot be read'))
    expect(await eventually(warned, (is) => is)).toBe(true)
    expect(await ask(port)).toBe('first')
    install('second', 'key')
    expect(
      await eventually(
        () => ask(port),
        (name) => name === 'second',
      ),
    ).toBe('second')
  })

  it('speaks no TLS below 1.2', async () => {
    const port = await serve()
    const old = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const
    await expect(ask(port, old)).rejects.toThrow()
    expect(await ask(port, { maxVersion: 'TLSv1.2' })).toBe('first')
  })

  it('that asks clients for certificates takes none but those of its authority', async () => {
    const port = await serve({ TLS_CLIENT_CA: `file:${join(folder, 'client.crt')}` })
    const as = (name: string) => ({ cert: pem(`${name}.crt`), key: pem(`${name}.key`) })
    expect(await ask(port, as('client'))).toBe('first')
    await expect(ask(port, as('stranger'))).rejects.toThrow()
    await expect(ask(port)).rejects.toThrow()
  })

  it('is not opened with a key of another certificate, and says no key', async () => {
    const failing = serve({ TLS_KEY: `file:${join(folder, 'second.key')}` })
    await expect(failing).rejects.toMatchObject({ code: 'SECRET_INVALID', exitCode: 2 })
    await expect(failing).rejects.not.toThrow(/BEGIN/)
  })
})

describe('without TLS', () => {
  it.each([
    { host: '127.0.0.1', warns: false },
    { host: '0.0.0.0', warns: true },
  ])('on $host a process warns: $warns', async ({ host, warns }) => {
    listeners = await openListeners(readConfig({ MILLRACE_HOST: host }), logger)
    expect(lines.some((line) => line.includes('LISTENING WITHOUT TLS'))).toBe(warns)
  })
})

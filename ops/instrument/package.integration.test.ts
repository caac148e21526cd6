/**
 * The npm package as other people use it: packed, installed into a folder of its own, loaded by `--import` or by an import, below
 * programs that know nothing of it, on this Node and on every other one from 20 on that the machine has.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Collector } from '../../services/instrument/testing/collector.ts'
import {
  installedProject,
  launch,
  launchServer,
  modules,
  removeProject,
  traceOf,
} from './testing/installed-package.ts'

const run = promisify(execFile)

const versionOf = async (node: string): Promise<number> => {
  const { stdout } = await run(node, ['--version'])
  return Number(/^v(\d+)/.exec(stdout)?.[1])
}

const otherNodes = async (): Promise<string[]> => {
  const own = await realpath(process.execPath)
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = new Set<string>()
  for (const folder of folders) {
    const node = join(folder, 'node')
    if (existsSync(node)) found.add(await realpath(node))
  }
  found.delete(own)
  const versions = await Promise.all(
    [...found].map(async (node) => ({ node, is: await versionOf(node) })),
  )
  return versions.filter(({ is }) => is >= 20).map(({ node }) => node)
}

const nodes = [process.execPath, ...(await otherNodes())]
const versions = await Promise.all(
  nodes.map(async (node) => ({ node, version: await versionOf(node) })),
)

/** Programs as people write them; each prints its port and serves /orders/:id and /boom. */
const programs: Readonly<Record<string, string>> = {
  'fastify.mjs': `
    import fastify from 'fastify'
    const app = fastify()
    app.get('/orders/:id', async () => ({}))
    app.get('/boom', async () => { throw new TypeError('no good') })
    await app.listen({ port: 0 })
    console.log(app.server.address().port)`,
  'express5.mjs': `
    import express from 'express'
    const app = express().set('env', 'test')
    app.get('/orders/:id', (request, response) => response.json({}))
    app.get('/boom', async () => { throw new TypeError('no good') })
    const server = app.listen(0, () => console.log(server.address().port))`,
  'express4.cjs': `
    const express = require('express4')
    const app = express().set('env', 'test')
    app.get('/orders/:id', (request, response) => response.json({}))
    app.get('/boom', () => { throw new TypeError('no good') })
    const server = app.listen(0, () => console.log(server.address().port))`,
  'imported.mjs': `
    import { instrument } from 'millrace/instrument'
    import express from 'express'
    const app = instrument(express().set('env', 'test'), { service: 'packed' })
    app.get('/orders/:id', (request, response) => response.json({}))
    app.get('/boom', (request, response, next) => next(new TypeError('no good')))
    const server = app.listen(0, () => console.log(server.address().port))`,
  'crash.cjs': `
    const server = require('node:http').createServer((request, response) => {
      if (request.url === '/crash') throw new TypeError('no good')
      response.end()
    }).listen(0, () => console.log(server.address().port))`,
  'last-line.mjs': `
    import { logStream } from 'millrace/instrument'
    logStream().write('{"level":60,"msg":"that was it"}\\n')
    if (process.argv[2] === 'crash') throw new TypeError('no good')
    process.exit(7)`,
  'exit.cjs': `
    const server = require('node:http').createServer((request, response) => {
      response.end(() => setImmediate(() => process.exit(7)))
    }).listen(0, () => console.log(server.address().port))`,
  'handler.cjs': `
    process.on('SIGTERM', () => server.close(() => console.log('closed')))
    const server = require('node:http').createServer((request, response) => {
      response.setHeader('connection', 'close').end()
    }).listen(0, () => console.log(server.address().port))`,
  'script.mjs': `await (await fetch(process.argv[2])).text()`,
}

const consumer = `
import { currentTrace, flush, instrument, spanCounts } from 'millrace/instrument'
import { createServer } from 'node:http'
const serve = createServer((_request, response) => response.end(currentTrace().traceId ?? 'none'))
instrument(serve, { service: 'typed', version: '1', environment: 'test' }).listen(0)
const sent: number | undefined = spanCounts()?.sent
export const done: Promise<void> = flush(sent)
`

let folder: string
let collector: Collector

beforeAll(async () => {
  collector = await Collector.start()
  folder = await installedProject({
    packages: ['fastify', 'express', 'express4', '@types/node'],
    files: { ...programs, 'consumer.mts': consumer },
  })
})

afterAll(async () => {
  await collector.stop()
  await removeProject(folder)
})

const surroundings = () => ({
  folder,
  environment: {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'packed',
    // What arrives was sent because the process ended.
    OTEL_BSP_SCHEDULE_DELAY: '60000',
  },
})

const serve = (node: string, program: string, preload = true) =>
  launchServer(program, { ...surroundings(), node, preload })

describe.each(versions)('Node $version', ({ node }) => {
  it.each([
    { program: 'fastify.mjs' },
    { program: 'express5.mjs' },
    { program: 'express4.cjs' },
    { program: 'imported.mjs', preload: false },
  ])('$program', async ({ program, preload = true }) => {
    const { child, ended, url, errors } = await serve(node, program, preload)
    const good = traceOf(await fetch(`${url}/orders/7`))
    const bad = await fetch(`${url}/boom`)
    expect(bad.status).toBe(500)
    child.kill('SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    const [order] = await collector.seen(({ traceId }) => traceId === good)
    expect(order).toMatchObject({ name: 'GET /orders/:id', service: 'packed', failed: false })
    const [boom] = await collector.seen(({ traceId }) => traceId === traceOf(bad))
    expect(boom).toMatchObject({ name: 'GET /boom', failed: true })
    expect(boom?.exception).toMatchObject({ 'exception.type': 'TypeError' })
    expect(boom?.exception?.['exception.stacktrace']).toContain(program)
    expect(await errors).not.toContain('millrace')
  })

  it('a crash is the same crash, and its last request is told of', async () => {
    const { ended, url, errors } = await serve(node, 'crash.cjs')
    const before = traceOf(await fetch(`${url}/fine`))
    await fetch(`${url}/crash`).catch(() => undefined)
    expect(await ended).toEqual([1, null])
    expect(await errors).toContain('TypeError: no good')
    const [last] = await collector.seen(({ name }) => name === 'GET /crash')
    expect(last?.failed).toBe(true)
    expect(last?.exception?.['exception.stacktrace']).toContain('crash.cjs')
    expect(await collector.seen(({ traceId }) => traceId === before)).toHaveLength(1)
    collector.spans.length = 0
  })

  it('process.exit keeps its code, and what was queued arrives', async () => {
    const { ended, url } = await serve(node, 'exit.cjs')
    const traceId = traceOf(await fetch(url))
    expect(await ended).toEqual([7, null])
    expect(await collector.seen((span) => span.traceId === traceId)).toHaveLength(1)
  })

  it.each([
    { how: 'crash', code: 1 },
    { how: 'exit', code: 7 },
  ])('lines of a logger that waited arrive, too: $how', async ({ how, code }) => {
    const { ended } = launch('last-line.mjs', { ...surroundings(), node, arguments: [how] })
    expect(await ended).toEqual([code, null])
    expect(collector.bodies.at(-1)).toContain('"body":{"stringValue":"that was it"}')
    collector.bodies.length = 0
  })

  it('a signal that the program handles is its own', async () => {
    const { child, ended, url, lines } = await serve(node, 'handler.cjs')
    const traceId = traceOf(await fetch(url))
    const closed = once(lines, 'line')
    child.kill('SIGTERM')
    expect(await closed).toEqual(['closed'])
    expect(await ended).toEqual([0, null])
    expect(await collector.seen((span) => span.traceId === traceId)).toHaveLength(1)
  })

  it('a program that is done ends, and sends what it called', async () => {
    const to = [`${collector.url}/orders/8`]
    const { ended } = launch('script.mjs', { ...surroundings(), node, arguments: to })
    expect(await ended).toEqual([0, null])
    const called = await collector.seen(({ attributes }) => attributes['url.path'] === '/orders/8')
    expect(called).toMatchObject([{ kind: 3, failed: false }])
    collector.spans.length = 0
  })

  it('a collector that never answers delays the end by a second or two, no more', async () => {
    collector.behaviour = () => undefined
    const startedMs = performance.now()
    const { child, ended, url } = await serve(node, 'fastify.mjs')
    expect((await fetch(`${url}/orders/1`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect(performance.now() - startedMs).toBeLessThan(15_000)
    collector.behaviour = (_request, response) => response.end('{}')
  })
})

it('has types that need no package of ours', async () => {
  const tsc = join(modules, 'typescript', 'bin', 'tsc')
  const flags = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    'node',
  ]
  const check = [tsc, ...flags, '--exactOptionalPropertyTypes', 'consumer.mts']
  await expect(run(process.execPath, check, { cwd: folder })).resolves.toMatchObject({ stdout: '' })
})

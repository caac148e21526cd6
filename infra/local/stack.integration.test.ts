/**
 * The servers as a user has them: started, killed in every way, found again with what they had acknowledged, stopped without a
 * trace. In a folder and on ports of its own, whatever stack the other tests share.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { withoutLocalServers } from '../../ops/test/stack.ts'
import { StackError } from './errors.ts'
import { readPidRecords } from './pid-records.ts'
import { isAlive } from './process-identity.ts'
import { kafkaAnswers } from './probes.ts'
import { serverNames, startServers, type RunningServers } from './stack.ts'

const lowestBase = 12_000
const baseStep = 10
const tries = 50

let dataDir: string
let portBase = lowestBase + baseStep * Math.floor(Math.random() * 200)
let servers: RunningServers

const start = async (onLeftovers?: (names: readonly string[]) => void): Promise<RunningServers> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startServers({ dataDir, portBase, ...(onLeftovers && { onLeftovers }) })
    } catch (error) {
      const taken = error instanceof StackError && error.code === 'PORT_IN_USE'
      if (!taken || attempt === tries) throw error
      portBase += baseStep
    }
  }
}

const sql = async (query: string, user = 'millrace', password?: string): Promise<string> => {
  const response = await fetch(servers.env['CLICKHOUSE_URL'] ?? '', {
    method: 'POST',
    headers: {
      'x-clickhouse-user': user,
      'x-clickhouse-key':
        password ?? readFileSync(servers.env['CLICKHOUSE_PASSWORD_FILE'] ?? '', 'utf8'),
    },
    body: query,
  })
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(text)
  return text
}

const registry = async (path: string, init: RequestInit = {}): Promise<unknown> => {
  const response = await fetch(`${servers.env['SCHEMA_REGISTRY_URL'] ?? ''}${path}`, {
    ...init,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
  })
  return response.json()
}

const statusOf = (name: string) => servers.processes().find((one) => one.name === name)

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-stack-'))
  servers = await start()
})

afterAll(async () => {
  await servers.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

// Two starts in one test, on a machine that may have better things to do.
const slowMs = 240_000
const reason = withoutLocalServers()
const unseen = reason === undefined ? '' : ` (skipped: ${reason})`

describe.skipIf(reason !== undefined)(`the local servers${unseen}`, { timeout: slowMs }, () => {
  it('answer, and hold the rules that the product relies on', async () => {
    const { kafka } = servers.ports
    expect(await kafkaAnswers(kafka, AbortSignal.timeout(5_000))).toBe(true)
    expect(await registry('/config')).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
    expect(await sql('SELECT 1')).toBe('1')
  })

  it('let nobody into ClickHouse without the password', async () => {
    await expect(sql('SELECT 1', 'millrace', 'wrong')).rejects.toThrow('AUTHENTICATION_FAILED')
    // The engine's own session needs this user; it may do nothing.
    await expect(sql('CREATE DATABASE other', 'default', '')).rejects.toThrow('ACCESS_DENIED')
    await expect(sql("SELECT * FROM file('x', LineAsString)", 'default', '')).rejects.toThrow()
  })

  it('come back after kill -9 of each, with what they had acknowledged', async () => {
    await sql('CREATE DATABASE kept')
    await sql('CREATE TABLE kept.rows (n UInt8) ENGINE = MergeTree ORDER BY n')
    await sql('INSERT INTO kept.rows VALUES (42)')
    const schema = JSON.stringify({ schema: '"string"' })
    const registered = await registry('/subjects/kept-value/versions', {
      method: 'POST',
      body: schema,
    })
    expect(registered).toHaveProperty('id')

    for (const name of serverNames) {
      const pid = statusOf(name)?.pid
      if (pid === undefined) throw new Error(`${name} does not run`)
      process.kill(pid, 'SIGKILL')
    }
    const back = { timeout: 60_000, interval: 100 }
    for (const name of serverNames) {
      await vi.waitFor(() => {
        expect(statusOf(name)).toMatchObject({ state: 'ready', restarts: 1 })
      }, back)
    }
    expect(await sql('SELECT n FROM kept.rows')).toBe('42')
    expect(await registry('/subjects')).toContain('kept-value')
  })

  it('refuse a second stack on the same folder', async () => {
    await expect(startServers({ dataDir, portBase: portBase + 100 })).rejects.toMatchObject({
      code: 'DATA_LOCKED',
    })
  })

  it('leave no process and no record when they stop', async () => {
    const records = readPidRecords(servers.layout.pids)
    expect(records.map(({ name }) => name).sort()).toEqual([...serverNames].sort())
    await servers.stop()
    expect(records.filter(isAlive)).toEqual([])
    expect(readPidRecords(servers.layout.pids)).toEqual([])
  })

  it('are found and replaced after kill -9 of their supervisor', async () => {
    const script = `
      import { startServers } from ${JSON.stringify(new URL('stack.ts', import.meta.url).href)}
      await startServers({ dataDir: ${JSON.stringify(dataDir)}, portBase: ${String(portBase)} })
      console.log('ready')
    `
    const supervisor = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(supervisor.stdout, 'data')
    const orphans = readPidRecords(servers.layout.pids)
    supervisor.kill('SIGKILL')
    await once(supervisor, 'exit')
    expect(orphans.filter(isAlive)).toHaveLength(serverNames.length)

    let found: readonly string[] = []
    servers = await start((names) => {
      found = names
    })
    expect([...found].sort()).toEqual([...serverNames].sort())
    expect(orphans.filter(isAlive)).toEqual([])
    expect(await sql('SELECT n FROM kept.rows')).toBe('42')
  })

  it('stop when a start is called off, and leave nothing', async () => {
    await servers.stop()
    const calledOff = new AbortController()
    const starting = startServers({
      dataDir,
      portBase,
      signal: calledOff.signal,
      onChange: ({ pid }) => {
        if (pid !== undefined) calledOff.abort()
      },
    })
    await expect(starting).rejects.toThrow()
    expect(readPidRecords(servers.layout.pids)).toEqual([])
  })
})

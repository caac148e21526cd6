import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { parsePidRecord, readPidRecords, stopLeftovers, writePidRecord } from './pid-records.ts'
import { identityOf, isAlive } from './process-identity.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-pids-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const startChild = async (code: string) => {
  const child = spawn(process.execPath, ['-e', `${code}; console.log('up')`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const { pid } = child
  if (pid === undefined) throw new Error('not started')
  return { child, pid }
}

describe('parsePidRecord', () => {
  const good = { name: 'kafka', pid: 4711, startedAt: 'x', stopTimeoutMs: 1 }
  it.each([
    { title: 'a whole record', text: JSON.stringify(good), ok: true },
    { title: 'half a record', text: JSON.stringify(good).slice(0, 20), ok: false },
    {
      title: 'pid 0, which is a process group',
      text: JSON.stringify({ ...good, pid: 0 }),
      ok: false,
    },
    { title: 'pid -1, which is everybody', text: JSON.stringify({ ...good, pid: -1 }), ok: false },
    { title: 'init', text: JSON.stringify({ ...good, pid: 1 }), ok: false },
    { title: 'no start time', text: JSON.stringify({ ...good, startedAt: null }), ok: false },
  ])('$title', ({ text, ok }) => {
    expect(parsePidRecord(text) !== undefined).toBe(ok)
  })
})

describe('stopLeftovers', () => {
  it('stops what was written down, with SIGKILL where SIGTERM is ignored', async () => {
    const polite = await startChild('setInterval(() => {}, 1000)')
    const deaf = await startChild("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)")
    writePidRecord(folder, { name: 'polite', pid: polite.pid, stopTimeoutMs: 5_000 })
    writePidRecord(folder, { name: 'deaf', pid: deaf.pid, stopTimeoutMs: 200 })
    const ends = [once(polite.child, 'exit'), once(deaf.child, 'exit')]
    expect([...(await stopLeftovers(folder))].sort()).toEqual(['deaf', 'polite'])
    expect(await Promise.all(ends)).toEqual([
      [null, 'SIGTERM'],
      [null, 'SIGKILL'],
    ])
    expect(readPidRecords(folder)).toEqual([])
  })

  it('leaves a process alone that only has the pid of the one that was written down', async () => {
    const { child, pid } = await startChild('setInterval(() => {}, 1000)')
    const record = { name: 'kafka', pid, startedAt: 'before', stopTimeoutMs: 100 }
    writeFileSync(join(folder, 'kafka.json'), JSON.stringify(record))
    expect(await stopLeftovers(folder)).toEqual([])
    const identity = identityOf(pid)
    expect(identity !== undefined && isAlive(identity)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(identity !== undefined && isAlive(identity)).toBe(false)
  })
})

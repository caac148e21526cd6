/**
 * Runs real child processes: signals, exit codes and IPC are the operating system's, and a fake
 * would only prove itself.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const moduleUrl = new URL('./service.ts', import.meta.url).href
let folder: string
const children: ChildProcess[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-service-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Probe {
  readonly start?: string
  readonly stop?: string
  readonly definition?: string
}

/** A service whose start and stop have the given bodies. */
const writeProbe = ({ start = '', stop = '', definition = '' }: Probe): string => {
  const file = join(folder, `probe-${children.length}-${Math.random().toString(36).slice(2)}.mjs`)
  writeFileSync(
    file,
    `import { runService } from ${JSON.stringify(moduleUrl)}
     process.exit(await runService({
       name: 'probe', healthPort: 'own', ${definition}
       async start(context) {
         const idle = setInterval(() => {}, 1000) // a handle nobody closes: S4
         ${start}
         return { ready: () => true, async stop() { console.log('drained'); ${stop} } }
       },
     }))`,
  )
  return file
}

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly says: (text: string) => Promise<void>
  readonly exit: () => Promise<number | null>
}

const watch = (child: ChildProcess): Running => {
  children.push(child)
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  // Not `close`: Node does not emit it for a child whose channel the parent disconnected.
  const streams = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'end'))
  const exited = Promise.all([once(child, 'exit'), ...streams]).then(
    ([[code]]) => code as number | null,
  )
  return {
    child,
    output: () => output,
    exit: () => exited,
    async says(text) {
      while (!output.includes(text)) {
        await Promise.race([once(child.stdout ?? child, 'data'), exited])
        if (child.exitCode !== null && !output.includes(text)) {
          throw new Error(`ended without saying "${text}": ${output}`)
        }
      }
    },
  }
}

const run = (probe: Probe, env: Record<string, string> = {}): Running =>
  watch(spawn(process.execPath, [writeProbe(probe)], { env: { ...process.env, ...env } }))

describe('asked to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s drains and ends with 0', async (signal) => {
    const { child, says, exit, output } = run({})
    await says('probe started')
    child.kill(signal)
    expect(await exit()).toBe(0)
    expect(output()).toContain('drained')
    expect(output()).toContain('probe stopped')
  })

  it('twice still drains to the end and ends with 0', async () => {
    const stop = `console.log('draining'); await new Promise((done) => process.once('SIGINT', done))`
    const { child, says, exit, output } = run({ stop })
    await says('probe started')
    child.kill('SIGTERM')
    await says('draining')
    child.kill('SIGINT')
    expect(await exit()).toBe(0)
    expect(output()).toContain('probe stopped')
  })

  it('by the end of its parent drains and ends with 0', async () => {
    const { child, says, exit } = watch(fork(writeProbe({}), { silent: true }))
    await says('probe started')
    child.disconnect()
    expect(await exit()).toBe(0)
  })

  it('while it starts gives start the signal and ends with 0', async () => {
    const start = `console.log('waiting')
      await new Promise((_, no) => context.signal.addEventListener('abort', () => no(context.signal.reason)))`
    const { child, says, exit, output } = run({ start })
    await says('waiting')
    child.kill('SIGTERM')
    expect(await exit()).toBe(0)
    expect(output()).not.toContain('ends:')
  })

  it('and not drained at its deadline ends with 4', async () => {
    const definition = 'drainDeadlineMs: 50,'
    const { child, says, exit, output } = run({ definition, stop: 'await new Promise(() => {})' })
    await says('probe started')
    child.kill('SIGTERM')
    expect(await exit()).toBe(4)
    expect(output()).toContain('Not drained within 50 ms')
  })
})

describe('in trouble', () => {
  it.each([
    { title: 'a wrong setting', probe: {}, env: { API_PORT: 'x' }, code: 2, says: 'API_PORT' },
    {
      title: 'a broker that cannot be reached',
      probe: {
        start: `throw Object.assign(new Error('no broker'), { code: 'KAFKA_UNREACHABLE' })`,
      },
      code: 3,
      says: 'no broker',
    },
    {
      title: 'a failing start',
      probe: { start: `throw new Error('oops')` },
      code: 1,
      says: 'oops',
    },
    {
      title: 'an error reported later',
      probe: { start: `setImmediate(() => context.fail(new Error('lost it')))` },
      code: 1,
      says: 'lost it',
    },
    {
      title: 'an unhandled rejection',
      probe: { start: `setImmediate(() => Promise.reject(new Error('nobody')))` },
      code: 1,
      says: 'probe crashed: nobody',
    },
    {
      title: 'an uncaught exception',
      probe: { start: `setImmediate(() => { throw new Error('thrown') })` },
      code: 1,
      says: 'probe crashed: thrown',
    },
    {
      title: 'a failing stop',
      probe: {
        start: `setImmediate(() => process.kill(process.pid, 'SIGTERM'))`,
        stop: `throw new Error('cannot close')`,
      },
      code: 1,
      says: 'cannot close',
    },
  ])('by $title ends with $code and says it', async ({ probe, env, code, says }) => {
    const { exit, output } = run(probe, env)
    expect(await exit()).toBe(code)
    expect(output()).toContain(says)
  })

  it('drains after a failure, but not after a crash', async () => {
    const failed = run({ start: `setImmediate(() => context.fail(new Error('x')))` })
    const crashed = run({ start: `setImmediate(() => { throw new Error('x') })` })
    await Promise.all([failed.exit(), crashed.exit()])
    expect(failed.output()).toContain('drained')
    expect(crashed.output()).not.toContain('drained')
  })
})

it('serves health on its port: starting, ready', async () => {
  const start = `const base = 'http://127.0.0.1:' + process.env.METRICS_PORT
    console.log(await (await fetch(base + '/readyz')).text())
    setImmediate(async () => console.log(await (await fetch(base + '/readyz')).text()))`
  const probe = { definition: 'healthPort: 1,', start }
  const { child, says, exit } = run(probe, { METRICS_PORT: '21401' })
  await says('"reason":"starting"')
  await says('"status":"ready"')
  child.kill('SIGTERM')
  expect(await exit()).toBe(0)
})

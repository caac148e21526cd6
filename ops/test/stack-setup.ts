/**
 * Starts the servers once for a run of integration tests, in a process of their own.
 *
 * G1: the servers never outlive the run. Their keeper is connected to this process by IPC; when
 *     this process ends, however it ends, the channel closes and the keeper stops them. It is
 *     detached, so that a signal to the whole group does not kill it before it has done so.
 *
 * TEST_STACK chooses: `local` (default), `containers`, or `attach` to servers that run already and
 * are named by the usual environment.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import type { StackKind } from './stack.ts'
import type { KeeperMessage } from './stack-keeper.ts'

const STOP_DEADLINE_MS = 50_000
const KEEPER = fileURLToPath(new URL('./stack-keeper.ts', import.meta.url))
const ATTACHED = /^(KAFKA_|SCHEMA_REGISTRY_|CLICKHOUSE_)/

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const kind = stackKind(process.env['TEST_STACK'] ?? 'local')
  project.provide('stackKind', kind)
  if (kind === 'attach') {
    project.provide('stackEnvironment', attachedEnvironment())
    return () => Promise.resolve()
  }
  const keeper = fork(KEEPER, [kind], { detached: true, execArgv: [] })
  project.provide('stackEnvironment', await environmentFrom(keeper))
  return () => stop(keeper)
}

const stackKind = (value: string): StackKind => {
  if (value === 'local' || value === 'containers' || value === 'attach') return value
  throw new Error(`TEST_STACK is "${value}"; use local, containers or attach.`)
}

const attachedEnvironment = (): Record<string, string> => {
  const entries = Object.entries(process.env).filter(([name]) => ATTACHED.test(name))
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? '']))
}

const environmentFrom = async (keeper: ChildProcess): Promise<Record<string, string>> => {
  const ended = once(keeper, 'exit').then(([code]: unknown[]) => {
    throw new Error(`The servers for the tests did not start (exit code ${String(code)}).`)
  })
  const answered = once(keeper, 'message').then(([message]: unknown[]) => message as KeeperMessage)
  const message = await Promise.race([answered, ended])
  ended.catch(() => undefined) // from now on its end is ours to wait for
  return { ...message.environment }
}

const stop = async (keeper: ChildProcess): Promise<void> => {
  if (keeper.exitCode !== null || keeper.signalCode !== null) {
    throw new Error(`The servers for the tests ended early (exit code ${String(keeper.exitCode)}).`)
  }
  const exited = once(keeper, 'exit')
  const deadline = setTimeout(() => keeper.kill('SIGKILL'), STOP_DEADLINE_MS)
  keeper.disconnect()
  const [code] = (await exited) as [number | null]
  clearTimeout(deadline)
  if (code !== 0)
    throw new Error(`The servers for the tests did not stop cleanly (${String(code)}).`)
}

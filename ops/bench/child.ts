/** Processes of a benchmark: each says what it measured in one line of JSON on standard output. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  allocatorSettings,
  nodeFlags,
  workerHeapMegabytes,
} from '../../services/shared/node-process.ts'

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly timeoutMs?: number
}

export interface Child {
  readonly pid: number
  /** The last line of JSON that it wrote, if any; rejects when it ends with an error. */
  readonly result: Promise<unknown>
  /** When it has written anything: it is ready. Rejects when it ends with an error before. */
  readonly ready: Promise<unknown>
  /** SIGTERM: it is to say what it measured, and to end. */
  readonly end: () => Promise<unknown>
  /** Nothing of it is wanted any more. Harmless when it has ended. */
  readonly kill: () => void
}

const DEFAULT_TIMEOUT_MS = 10 * 60_000
const KEPT_ERROR_CHARACTERS = 4_000

/** A script of this folder, started as `millrace up` starts the worker. */
export const script = (
  name: string,
  args: readonly (string | number)[],
  env: NodeJS.ProcessEnv,
): ChildOptions => ({
  command: process.execPath,
  args: [
    ...nodeFlags({ heapMegabytes: workerHeapMegabytes }),
    fileURLToPath(new URL(name, import.meta.url)),
    ...args.map(String),
  ],
  env: { ...allocatorSettings, ...env },
})

export const startChild = (options: ChildOptions): Child => {
  const { command, args, env, cwd, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  const child = spawn(command, args, { env, stdio, ...(cwd === undefined ? {} : { cwd }) })
  let output = ''
  let errors = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(-KEPT_ERROR_CHARACTERS)
  })
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  const timer = setTimeout(kill, timeoutMs)
  const line = new Promise<string | undefined>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const what = [command, ...args].join(' ').slice(0, 300)
      const last = output.split('\n').findLast((text) => text.startsWith('{'))
      if (code === 0) resolve(last)
      else reject(new Error(`${what} ended with ${String(code ?? signal)}: ${errors || output}`))
    })
  })
  const result = line
    .then((text) => (text === undefined ? undefined : (JSON.parse(text) as unknown)))
    .finally(() => {
      clearTimeout(timer)
    })
  result.catch(() => undefined) // whoever waits for it hears of it
  const spoken = new Promise<void>((resolve) => {
    child.stdout.once('data', () => {
      resolve()
    })
  })
  const ready = Promise.race([spoken, result])
  ready.catch(() => undefined)
  const end = (): Promise<unknown> => {
    child.kill('SIGTERM')
    return result
  }
  return { pid: child.pid ?? -1, result, ready, end, kill }
}

/** Runs a process to its end. */
export const runChild = (options: ChildOptions): Promise<unknown> => startChild(options).result

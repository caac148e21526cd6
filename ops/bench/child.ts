/** Processes of a benchmark: each says what it measured in one line of JSON on standard output. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 10 * 60_000
const KEPT_ERROR_CHARACTERS = 4_000

/** A script of this folder under this Node. */
export const script = (name: string, args: readonly string[]) => ({
  command: process.execPath,
  args: [fileURLToPath(new URL(name, import.meta.url)), ...args],
})

/** Runs a process to its end and parses the last line that it wrote. */
export const runChild = async ({
  command,
  args,
  env,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: ChildOptions): Promise<unknown> => {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(-KEPT_ERROR_CHARACTERS)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => {
      resolve(exitCode ?? signal)
    })
  })
  clearTimeout(timer)
  const line = output.trim().split('\n').at(-1) ?? ''
  if (code === 0 && line !== '') return JSON.parse(line) as unknown
  const what = [command, ...args].join(' ').slice(0, 300)
  throw new Error(`${what} ended with ${String(code)}: ${errors || output}`)
}

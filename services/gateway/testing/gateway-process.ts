/** The gateway as a process of its own, against the servers of a test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../infra/local/ports.ts'
import { eventually } from '../../../ops/test/eventually.ts'

export interface GatewayProcess {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when it has ended, with its exit code; null where a signal ended it. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

export interface GatewayProcessOptions {
  readonly env: Readonly<Record<string, string>>
  /** Default: one that is free. */
  readonly port?: number
}

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const START_MS = 60_000

/** Resolves when it is ready. */
export const startGateway = async (options: GatewayProcessOptions): Promise<GatewayProcess> => {
  const port = options.port ?? (await freePort())
  const child = spawn(process.execPath, [cli, 'service', 'gateway'], {
    env: { ...process.env, ...options.env, GATEWAY_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const url = `http://127.0.0.1:${String(port)}`
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    child.kill(signal)
    const [code] = await ended
    return code
  }
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  const ready = await eventually(
    async () => child.exitCode ?? (await isReady()),
    (found) => found !== false,
    { timeoutMs: START_MS },
  )
  if (ready === true) return { url, port, pid: child.pid ?? -1, stop }
  await stop('SIGKILL')
  throw new Error(`the gateway is not ready: ${String(ready)}`)
}

/** A process of the product as operators start it, and what it says of itself over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../infra/local/ports.ts'
import { eventually } from './eventually.ts'

const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url))
const START_PATIENCE_MS = 60_000

export interface ProductProcessOptions {
  /** As on the command line: `['worker']`, `['service', 'sink']`. */
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Where it listens; default: one that is free. */
  readonly port?: number
}

export class ProductProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #port: number
  #output = ''

  private constructor(
    { command, environment }: ProductProcessOptions,
    { port }: { readonly port: number },
  ) {
    this.#port = port
    this.#child = spawn(process.execPath, [MAIN, ...command], {
      env: {
        ...process.env,
        LOG_LEVEL: 'info',
        ...environment,
        // The gateway answers these questions on its own port.
        GATEWAY_PORT: String(port),
        METRICS_PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = once(this.#child, 'exit')
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
  }

  /** Resolves when it is ready. */
  static async start(options: ProductProcessOptions): Promise<ProductProcess> {
    const started = new ProductProcess(options, { port: options.port ?? (await freePort()) })
    await eventually(
      () => started.#isReady(),
      (isReady) => isReady || !started.isRunning,
      { timeoutMs: START_PATIENCE_MS },
    )
    if (await started.#isReady()) return started
    await started.stop()
    throw new Error(`${options.command.join(' ')} did not get ready:\n${started.output}`)
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get port(): number {
    return this.#port
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** What it has logged. */
  get output(): string {
    return this.#output
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The sum of a metric's samples whose labels are as given. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((pair) => line.includes(pair)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  /** As a supervisor stops it. Answers the exit code. */
  async stop(): Promise<number | null> {
    if (this.isRunning) this.#child.kill('SIGTERM')
    await this.#exited
    return this.#child.exitCode
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async #isReady(): Promise<boolean> {
    if (!this.isRunning) return false
    try {
      return (await fetch(`${this.url}/readyz`)).ok
    } catch {
      return false // it does not listen yet
    }
  }
}

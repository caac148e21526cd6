/** The whole product as `npm start` runs it, in a folder and on ports of its own, to be killed in every way. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { environmentOf, freePortBase, layoutOf } from '../../../infra/local/index.ts'
import { portsFrom } from '../../../infra/local/ports.ts'
import { eventually } from '../../test/eventually.ts'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('../../../services/cli/main.ts', import.meta.url))

const START_PATIENCE_MS = 150_000
const STOP_PATIENCE_MS = 90_000

/** What scripts may rely on in `millrace status --json`. */
interface StatusReport {
  readonly ready: boolean
  readonly ports: Readonly<Record<string, number>> | null
  readonly processes: readonly {
    readonly name: string
    readonly pid: number | null
    readonly state: string
    readonly rssBytes: number
    readonly restarts: number
  }[]
  readonly totalRssBytes: number
}

export interface TracedSpan {
  readonly service: string
  readonly endpoint: string
  readonly kind: string
  readonly spanId: string
  readonly parentSpanId: string | null
}

export class ProductStack {
  readonly dataDir: string
  readonly environment: Readonly<Record<string, string>>
  readonly #base: number
  #up: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #output = ''

  private constructor(dataDir: string, base: number) {
    this.dataDir = dataDir
    this.#base = base
    this.environment = environmentOf(layoutOf(dataDir), portsFrom(base))
  }

  /** Nothing runs yet. */
  static async create(): Promise<ProductStack> {
    return new ProductStack(mkdtempSync(join(tmpdir(), 'millrace-stack-')), await freePortBase())
  }

  /** All that `up` has said. */
  get output(): string {
    return this.#output
  }

  /** `millrace up`; resolves when it says that all is ready. */
  async start(...options: readonly string[]): Promise<void> {
    this.#output = ''
    const args = ['up', '--data', this.dataDir, '--port-base', String(this.#base), '--no-open']
    const up = spawn(process.execPath, [MAIN, ...args, ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a signal to the test run is not for the stack: `dispose` stops it in order
    })
    this.#up = up
    this.#exited = once(up, 'exit')
    up.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    const isReady = () => this.#output.includes('Millrace is ready')
    const hasEnded = () => up.exitCode !== null || up.signalCode !== null
    await eventually(
      () => isReady() || hasEnded(),
      (done) => done,
      { timeoutMs: START_PATIENCE_MS },
    )
    if (!isReady()) throw new Error(`The stack did not get ready:\n${this.#output}`)
  }

  /** `millrace status --json`, whatever its exit code. */
  async status(): Promise<StatusReport> {
    const args = [MAIN, 'status', '--data', this.dataDir, '--json']
    const { stdout } = await run(process.execPath, args).catch(
      (error: unknown) => error as { stdout: string },
    )
    return JSON.parse(stdout) as StatusReport
  }

  /** So many spans of a trace, by `millrace tail`. */
  async spansOf(traceId: string, count: number): Promise<TracedSpan[]> {
    const where = `value.traceId == "${traceId}"`
    const wanted = ['--from', 'beginning', '--where', where, '--max', String(count)]
    const args = ['tail', 'telemetry.spans', '--data', this.dataDir, ...wanted, '--timeout', '60']
    const { stdout } = await run(process.execPath, [MAIN, ...args])
    const lines = stdout.trim().split('\n')
    return lines.map((line) => (JSON.parse(line) as { readonly value: TracedSpan }).value)
  }

  /** SIGKILL to processes by name; `up` is the supervisor. Answers their pids. */
  async kill(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { processes } = await this.status()
    const victims = new Map<string, number>()
    for (const { name, pid } of processes) {
      if (pid !== null && names.includes(name)) victims.set(name, pid)
    }
    for (const pid of victims.values()) process.kill(pid, 'SIGKILL')
    if (victims.has('up')) await this.#exited
    return victims
  }

  /** Every process, the supervisor first so that it cannot start one again. */
  async killAll(): Promise<void> {
    const { processes } = await this.status()
    const pids = processes.flatMap(({ pid }) => (pid === null ? [] : [pid])).reverse()
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await this.#exited
  }

  /** Signals the supervisor and answers its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const up = this.#up
    if (up === undefined || up.exitCode !== null || up.signalCode !== null) return null
    up.kill(signal)
    const deadline = setTimeout(() => up.kill('SIGKILL'), STOP_PATIENCE_MS)
    await this.#exited
    clearTimeout(deadline)
    return up.exitCode
  }

  /** Whatever happened: nothing runs and nothing is left. */
  async dispose(): Promise<void> {
    await this.stop()
    await run(process.execPath, [MAIN, 'down', '--data', this.dataDir, '--purge', '--yes'])
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** Worker processes that share the partitions, and who has which. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../test/eventually.ts'
import { PARTITIONS } from './pipeline.ts'

/** The least a broker allows by default. */
export const SESSION_TIMEOUT_MS = 6_000
const SETTLE_LIMIT_MS = 60_000
const KEPT_LINES = 400

export interface WorkerStatus {
  readonly ready: boolean
  readonly partitions: readonly number[]
}

export interface Worker {
  readonly child: ChildProcess
  /** What it said last; not believed while it is frozen. */
  status: WorkerStatus
  frozen: boolean
}

/** Partition -> pid of the worker that has it. */
export type Owners = ReadonlyMap<number, number>

export class Crew {
  readonly lines: string[] = []
  readonly #pipeline: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #workers = new Set<Worker>()

  constructor(pipeline: string, environment: Readonly<Record<string, string>>) {
    this.#pipeline = pipeline
    this.#environment = environment
  }

  get eldest(): Worker {
    const [eldest] = this.#workers
    if (eldest === undefined) throw new Error('nobody is there')
    return eldest
  }

  start(): Worker {
    const path = fileURLToPath(new URL('./worker.ts', import.meta.url))
    const env = { ...process.env, ...this.#environment }
    const child = fork(path, [this.#pipeline], { env, silent: true, execArgv: [] })
    const worker = { child, status: { ready: false, partitions: [] }, frozen: false }
    child.on('message', (message) => {
      worker.status = message as typeof worker.status
    })
    child.stderr?.on('data', (bytes: Buffer) => {
      this.lines.push(bytes.toString().trimEnd())
      this.lines.splice(0, this.lines.length - KEPT_LINES)
    })
    this.#workers.add(worker)
    return worker
  }

  async end(worker: Worker, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#workers.delete(worker)
    const { child } = worker
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  freeze(worker: Worker): void {
    worker.frozen = true
    worker.child.kill('SIGSTOP')
  }

  wake(worker: Worker): void {
    worker.status = { ready: false, partitions: [] }
    worker.frozen = false
    worker.child.kill('SIGCONT')
  }

  /** When those that are awake work on all partitions, evenly. */
  async settled(): Promise<Owners> {
    const owners = await eventually(
      () => this.#owners(),
      (found) => found !== undefined,
      { timeoutMs: SETTLE_LIMIT_MS, intervalMs: 25 },
    )
    if (owners === undefined) throw new Error(`not settled:\n${this.lines.join('\n')}`)
    return owners
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => this.end(worker, 'SIGKILL')))
  }

  #owners(): Owners | undefined {
    const awake = [...this.#workers].filter(({ frozen }) => !frozen)
    const least = Math.floor(PARTITIONS / awake.length)
    const isEven = awake.every(
      ({ status: { ready, partitions } }) =>
        ready && partitions.length >= least && partitions.length <= least + 1,
    )
    const owned = awake.flatMap(({ child, status }) =>
      status.partitions.map((partition) => [partition, child.pid ?? 0] as const),
    )
    const owners = new Map(owned)
    return isEven && owned.length === PARTITIONS && owners.size === PARTITIONS ? owners : undefined
  }
}

/** The worker processes of a drill, and what is done to them. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TransactionStage } from '../../../pipelines/runtime/kafka/index.ts'
import { SESSION_TIMEOUT_MS, type Order } from './orders.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
const KEPT_LINES = 400
/** A stage that is not reached: no task of that worker has anything to commit. */
const STAGE_DEADLINE_MS = 10_000

export class Crew {
  readonly lines: string[] = []
  readonly #pipeline: string
  readonly #environment: Readonly<Record<string, string>>
  readonly #members: ChildProcess[] = []

  constructor(pipeline: string, environment: Readonly<Record<string, string>>) {
    this.#pipeline = pipeline
    this.#environment = environment
  }

  get size(): number {
    return this.#members.length
  }

  add(): void {
    const env = { ...process.env, ...this.#environment }
    const child = fork(WORKER, [this.#pipeline], { env, silent: true, execArgv: [] })
    child.stderr?.on('data', (bytes: Buffer) => {
      this.lines.push(bytes.toString().trimEnd())
      this.lines.splice(0, this.lines.length - KEPT_LINES)
    })
    this.#members.push(child)
  }

  /** SIGKILL now. */
  async kill(index: number): Promise<void> {
    const child = this.#take(index)
    child.kill('SIGKILL')
    await ended(child)
  }

  /** SIGKILL at a stage of its next commit. */
  async killAt(index: number, stage: TransactionStage): Promise<void> {
    const child = this.#take(index)
    child.send({ signal: 'SIGKILL', stage } satisfies Order)
    const giveUp = setTimeout(() => child.kill('SIGKILL'), STAGE_DEADLINE_MS)
    await ended(child)
    clearTimeout(giveUp)
  }

  /** Sleeps past its session at a stage of its next commit, then goes on as if nothing had been. */
  async freezeAt(index: number, stage: TransactionStage): Promise<void> {
    const child = this.#members[index % this.#members.length] as ChildProcess
    child.send({ signal: 'SIGSTOP', stage } satisfies Order)
    await sleep(SESSION_TIMEOUT_MS + 3_000)
    // It may not have come to that stage: then it is to go on.
    child.send({ signal: 'SIGSTOP', stage: undefined } satisfies Order)
    await sleep(500)
    child.kill('SIGCONT')
  }

  /** Drains and leaves. */
  async remove(index: number): Promise<void> {
    const child = this.#take(index)
    child.kill('SIGTERM')
    await ended(child)
  }

  async dispose(): Promise<void> {
    while (this.#members.length > 0) await this.kill(0)
  }

  #take(index: number): ChildProcess {
    const [child] = this.#members.splice(index % this.#members.length, 1)
    return child as ChildProcess
  }
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

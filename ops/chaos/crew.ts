/** The worker processes of the drill, each in its place, and what is done to them. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EXIT } from '../../services/shared/errors.ts'
import { nodeFlags, workerHeapMegabytes } from '../../services/shared/node-process.ts'
import type { Message, Order } from './orders.ts'
import { until, type UntilOptions } from './until.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
const PATIENCE_MS = 240_000
const STOP_MS = 60_000
const AGAIN_MS = 500

type Struck = Extract<Message, { kind: 'struck' }>
type Verdict = Extract<Message, { kind: 'verdict' }>

export interface CrewOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly logOf: (place: number) => string
  /** One ended that nobody had told to. */
  readonly onUnexpectedEnd: (place: number, how: string) => void
  readonly signal: AbortSignal
}

export class Crew {
  readonly #options: CrewOptions
  readonly #members = new Map<number, Member>()
  #closed = false

  constructor(options: CrewOptions) {
    this.#options = options
  }

  at(place: number): Member {
    const member = this.#members.get(place)
    if (member === undefined) throw new Error(`no worker is at place ${place}`)
    return member
  }

  /** Where the owner of a partition is, if there is one now. */
  placeOfOwner(partition: number): number | undefined {
    const owner = [...this.#members].find(
      ([, { status }]) => status?.ready === true && status.partitions.includes(partition),
    )
    return owner?.[0]
  }

  /** Where a partition was given to, at work or not yet. */
  placeOfHolder(partition: number): number | undefined {
    const holder = [...this.#members].find(([, { status }]) =>
      status?.partitions.includes(partition),
    )
    return holder?.[0]
  }

  start(place: number, order?: Order): void {
    const { environment, logOf, onUnexpectedEnd } = this.#options
    const args = order === undefined ? [] : [JSON.stringify(order)]
    const child = fork(WORKER, args, {
      env: { ...process.env, ...environment },
      silent: true,
      // A signal to the drill's terminal is not for it.
      detached: true,
      execArgv: [...nodeFlags({ heapMegabytes: workerHeapMegabytes })],
    })
    const log = createWriteStream(logOf(place), { flags: 'a' })
    child.stderr?.pipe(log)
    const member = new Member(child)
    member.order = order
    this.#members.set(place, member)
    child.once('exit', (code, killer) => {
      if (member.mayEnd || this.#closed) return
      // What it needs to start is away: whoever supervises workers starts them again, and so do we.
      if (code !== EXIT.unreachable) onUnexpectedEnd(place, killer ?? `exit code ${String(code)}`)
      setTimeout(() => {
        if (!this.#closed && this.#members.get(place) === member) this.start(place, order)
      }, AGAIN_MS)
    })
  }

  /** Resolves when an order has been obeyed; one that it did not get at its start is given now. */
  async strike(place: number, order: Order): Promise<Struck> {
    const wait = this.#wait(`a worker come to "${order.at}"`)
    const struck = await until(() => {
      const member = this.at(place)
      if (member.order !== order && member.status !== undefined) member.give(order)
      return member.struck
    }, wait)
    const member = this.at(place)
    member.struck = undefined
    if (order.signal === 'SIGKILL') await until(() => member.hasEnded || undefined, wait)
    return struck
  }

  /** Resolves with its partitions when it has some and works on all of them. */
  ready(place: number): Promise<readonly number[]> {
    return until(() => {
      const { status } = this.at(place)
      return status?.ready === true && status.partitions.length > 0 ? status.partitions : undefined
    }, this.#wait('a worker at work'))
  }

  /** SIGTERM: it drains, commits and leaves. Answers its exit code; the place is empty then. */
  async stop(place: number): Promise<number | null> {
    const listening = (): true | undefined => this.at(place).status !== undefined || undefined
    await until(listening, this.#wait('a worker that can be told to stop'))
    const code = await this.at(place).stop()
    this.#members.delete(place)
    return code
  }

  async dispose(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#members.values()].map((member) => member.kill()))
  }

  #wait(what: string): UntilOptions {
    return { what, timeoutMs: PATIENCE_MS, signal: this.#options.signal }
  }
}

export class Member {
  /** What it last said of itself; undefined until it listens. */
  status: { readonly ready: boolean; readonly partitions: readonly number[] } | undefined
  readonly verdicts: Verdict[] = []
  order: Order | undefined
  struck: Struck | undefined
  mayEnd = false
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message) => {
      this.#hear(message as Message)
    })
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  give(order: Order): void {
    this.order = order
    // It may end before it has read this.
    if (this.#child.connected) this.#child.send(order, () => undefined)
  }

  /** SIGKILL now. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<number | null> {
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await this.#end('SIGTERM')
    clearTimeout(impatient)
    return this.#child.exitCode
  }

  /** After a SIGSTOP it goes on as if nothing had been. */
  wake(): void {
    this.#child.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.mayEnd = true
    if (this.hasEnded) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case 'struck':
        this.struck = message
        this.mayEnd ||= this.order?.signal === 'SIGKILL'
        break
      case 'verdict':
        this.verdicts.push(message)
        break
      case 'status':
        this.status = message
    }
  }
}

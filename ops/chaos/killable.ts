/** A server or service of the drill's own, to be killed and started again on the same data and port. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnvironment, type ProcessSpec } from '../../infra/local/index.ts'

const HEALTH_CHECK_MS = 2_000
const POLL_MS = 50

export class Killable {
  readonly name: string
  readonly #spec: ProcessSpec
  readonly #log: string
  #child: ChildProcess | undefined

  constructor(spec: ProcessSpec, options: { readonly log: string }) {
    this.name = spec.name
    this.#spec = spec
    this.#log = options.log
  }

  /** Resolves when it works. */
  async start(signal?: AbortSignal): Promise<void> {
    const spec = this.#spec
    await spec.prepare?.()
    signal?.throwIfAborted()
    const log = openSync(this.#log, 'a')
    const child = spawn(spec.command, spec.args, {
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      env: childEnvironment(spec.env),
      // A signal to the drill's terminal is not for it: `stop` comes in order.
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    const deadlineMs = performance.now() + spec.startTimeoutMs
    for (;;) {
      signal?.throwIfAborted()
      const health = await spec.healthy(AbortSignal.timeout(HEALTH_CHECK_MS))
      if (hasEnded(child)) throw new Error(`${this.name} ended at its start; see ${this.#log}`)
      if (health === 'ready') break
      if (performance.now() > deadlineMs) {
        throw new Error(`${this.name} did not get ready (${health.reason}); see ${this.#log}`)
      }
      await sleep(POLL_MS)
    }
    await spec.afterHealthy?.()
  }

  /** SIGKILL: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || hasEnded(child)) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

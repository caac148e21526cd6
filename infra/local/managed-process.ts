/**
 * One supervised child: started, watched, restarted when it dies, stopped on request.
 *
 * P1: a child runs in its own process group, so Ctrl-C in a terminal reaches only the supervisor, which stops in order.
 * P2: its pid record is written in the same turn as the spawn, before anything can fail.
 * P3: after `stop()` no restart happens, whatever was under way.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { childEnvironment } from './child-environment.ts'
import { StackError } from './errors.ts'
import { boundLog, lastLines } from './log-file.ts'
import { identityOf } from './process-identity.ts'
import { removePidRecord, stopProcess, writePidRecord } from './pid-records.ts'

export type ProcessState = 'starting' | 'ready' | 'degraded' | 'failed' | 'stopped'

export interface ProcessSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Added to the supervisor's environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What `status` shows; undefined for a process without a port. */
  readonly port?: number
  /** Node children: the channel closes when the supervisor dies, and they end. */
  readonly ipc: boolean
  /** Runs before every spawn: write configuration, format storage. */
  prepare?(): Promise<void> | void
  /** One health check, answered or rejected within `signal`. */
  healthy(signal: AbortSignal): Promise<boolean>
  /** Runs each time the process has become healthy, before it counts as ready. */
  afterHealthy?(): Promise<void>
  /** A gentler way to stop than SIGTERM; SIGTERM follows if the process is still there at half the deadline. */
  requestStop?(): Promise<void>
  readonly startTimeoutMs: number
  readonly stopTimeoutMs: number
}

export interface ProcessStatus {
  readonly name: string
  readonly state: ProcessState
  readonly pid?: number
  readonly startedAt?: string
  readonly port?: number
  readonly restarts: number
  /** Epoch ms of the last spawn. */
  readonly since?: number
  readonly log: string
}

export interface ManagedProcessOptions {
  readonly pidFolder: string
  readonly logFolder: string
  onChange(process: ManagedProcess): void
  /** It kept dying and is given up. */
  onFailed(process: ManagedProcess, error: StackError): void
}

const healthPollMs = 100
const watchEveryMs = 5_000
const checkTimeoutMs = 4_000
/** Health checks in a row that must fail before a ready process counts as degraded. */
const degradedAfter = 2
const firstBackoffMs = 500
const maxBackoffMs = 15_000
/** Deaths in a row before giving up: one that never worked will hardly come right; one that did may need a while. */
const maxDeathsBeforeReady = 3
const maxDeathsAfterReady = 6
/** A process that lived this long starts with a clean slate. */
const stableAfterMs = 60_000

export const backoffMs = (deaths: number): number =>
  Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.max(0, deaths - 1))

export class ManagedProcess {
  readonly spec: ProcessSpec
  readonly #options: ManagedProcessOptions
  readonly #log: string
  #state: ProcessState = 'stopped'
  #child: ChildProcess | undefined
  #startedAt: string | undefined
  #since: number | undefined
  #restarts = 0
  #deaths = 0
  #wasReady = false
  #stopping = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  #watch: NodeJS.Timeout | undefined
  #failedChecks = 0

  constructor(spec: ProcessSpec, options: ManagedProcessOptions) {
    this.spec = spec
    this.#options = options
    this.#log = join(options.logFolder, `${spec.name}.log`)
  }

  get status(): ProcessStatus {
    return {
      name: this.spec.name,
      state: this.#state,
      restarts: this.#restarts,
      log: this.#log,
      ...(this.#child?.pid === undefined ? {} : { pid: this.#child.pid }),
      ...(this.#startedAt === undefined ? {} : { startedAt: this.#startedAt }),
      ...(this.spec.port === undefined ? {} : { port: this.spec.port }),
      ...(this.#since === undefined ? {} : { since: this.#since }),
    }
  }

  /** Resolves when the process is ready for the first time; rejects when it is given up. Later deaths go to `onFailed`. */
  start(): Promise<void> {
    this.#stopping = new AbortController()
    return new Promise((resolve, reject) => {
      this.#loop = this.#run(resolve, reject)
    })
  }

  /** The life of the process through its restarts, until `stop()` or giving up. */
  async #run(onReady: () => void, onGivenUp: (error: Error) => void): Promise<void> {
    const { signal } = this.#stopping
    for (;;) {
      const death = await this.#liveOnce(onReady)
      if (signal.aborted) {
        onGivenUp(new Error(`${this.spec.name} was stopped before it was ready`))
        return
      }
      if (this.#since !== undefined && Date.now() - this.#since > stableAfterMs) this.#deaths = 0
      this.#deaths++
      const limit = this.#wasReady ? maxDeathsAfterReady : maxDeathsBeforeReady
      const neverAnswered = death.code === 'START_TIMEOUT' && !this.#wasReady
      if (this.#deaths >= limit || neverAnswered) {
        this.#setState('failed')
        onGivenUp(death)
        if (this.#wasReady) this.#options.onFailed(this, death)
        return
      }
      this.#setState('starting')
      await sleep(backoffMs(this.#deaths), undefined, { signal }).catch(() => undefined)
      if (!this.#isStopping()) this.#restarts++
    }
  }

  /** Spawns once and answers how it ended. */
  async #liveOnce(onReady: () => void): Promise<StackError> {
    const { signal } = this.#stopping
    if (signal.aborted) return this.#ended('was stopped')
    this.#setState('starting')
    try {
      await this.spec.prepare?.()
    } catch (error) {
      if (error instanceof StackError) return error
      return this.#ended(error instanceof Error ? error.message : String(error))
    }
    // An abort during `prepare` must not be followed by a spawn (P3).
    if (this.#isStopping()) return this.#ended('was stopped')
    const { child, exit } = this.#spawn()
    const ready = await this.#becomeReady(exit)
    if (ready === 'timeout') {
      await this.#end(child)
      return new StackError(
        'START_TIMEOUT',
        `${this.spec.name} did not answer within ${String(this.spec.startTimeoutMs / 1000)} s${this.#tail()}`,
      )
    }
    if (ready === 'ready') {
      this.#wasReady = true
      this.#setState('ready')
      onReady()
      this.#startWatch()
    }
    const how = await exit
    this.#stopWatch()
    return this.#ended(how)
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  #ended(how: string): StackError {
    return new StackError('PROCESS_DIED', `${this.spec.name} ${how}${this.#tail()}`)
  }

  #tail(): string {
    const lines = lastLines(this.#log, 20)
    // Structured lines are for machines; what a process said in words says it better.
    const words = lines.filter((line) => !line.startsWith('{'))
    const shown = (words.length > 0 ? words : lines).slice(-5)
    return `; its log ${this.#log} says why${shown.length === 0 ? '' : `:\n  ${shown.join('\n  ')}`}`
  }

  #spawn(): { readonly child: ChildProcess; readonly exit: Promise<string> } {
    const { spec } = this
    boundLog(this.#log)
    const log = openSync(this.#log, 'a', 0o600)
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: childEnvironment(spec.env),
      detached: true,
      stdio: spec.ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    this.#since = Date.now()
    if (child.pid !== undefined) {
      const { name, stopTimeoutMs } = spec
      writePidRecord(this.#options.pidFolder, { name, pid: child.pid, stopTimeoutMs })
      this.#startedAt = identityOf(child.pid)?.startedAt
    }
    const exit = new Promise<string>((resolve) => {
      child.once('error', (error) => {
        resolve(`could not be started: ${error.message}`)
      })
      child.once('exit', (code, signalName) => {
        resolve(
          signalName === null
            ? `ended with exit code ${String(code)}`
            : `was killed by ${signalName}`,
        )
      })
    }).then((how) => {
      if (this.#child === child) this.#child = undefined
      this.#startedAt = undefined
      removePidRecord(this.#options.pidFolder, spec.name)
      return how
    })
    this.#options.onChange(this)
    return { child, exit }
  }

  async #check(): Promise<boolean> {
    try {
      return await this.spec.healthy(AbortSignal.timeout(checkTimeoutMs))
    } catch {
      return false
    }
  }

  async #settle(): Promise<boolean> {
    try {
      await this.spec.afterHealthy?.()
      return true
    } catch {
      return false // asked again until the start deadline
    }
  }

  async #becomeReady(exit: Promise<string>): Promise<'ready' | 'died' | 'timeout'> {
    let died = false
    void exit.then(() => {
      died = true
    })
    const isDead = (): boolean => died
    const deadline = Date.now() + this.spec.startTimeoutMs
    while (Date.now() < deadline) {
      if (isDead()) return 'died'
      if ((await this.#check()) && (await this.#settle())) {
        // Another program may answer on the port while ours has just died for it.
        return isDead() ? 'died' : 'ready'
      }
      await sleep(healthPollMs)
    }
    return isDead() ? 'died' : 'timeout'
  }

  #startWatch(): void {
    this.#failedChecks = 0
    let busy = false
    this.#watch = setInterval(() => {
      boundLog(this.#log)
      if (busy) return
      busy = true
      void this.#check().then((healthy) => {
        busy = false
        if (this.#watch === undefined) return
        this.#failedChecks = healthy ? 0 : this.#failedChecks + 1
        if (healthy) this.#setState('ready')
        else if (this.#failedChecks >= degradedAfter) this.#setState('degraded')
      })
    }, watchEveryMs)
    this.#watch.unref()
  }

  #stopWatch(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #setState(state: ProcessState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onChange(this)
  }

  async #end(child: ChildProcess): Promise<void> {
    const identity = child.pid === undefined ? undefined : identityOf(child.pid)
    if (identity === undefined) return
    const { stopTimeoutMs } = this.spec
    if (this.spec.requestStop !== undefined) {
      const ended = new Promise<void>((resolve) => {
        child.once('exit', () => {
          resolve()
        })
      })
      await Promise.race([
        this.spec.requestStop().then(
          () => ended,
          () => undefined,
        ),
        ended,
        sleep(stopTimeoutMs / 2, undefined, { ref: false }),
      ])
    }
    await stopProcess(identity, stopTimeoutMs)
  }

  /** Safe to call twice, and at any moment. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#stopWatch()
    const child = this.#child
    if (child !== undefined) await this.#end(child)
    await this.#loop
    this.#setState('stopped')
  }
}

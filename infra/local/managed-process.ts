/**
 * One supervised child: started, watched, restarted when it dies, stopped on request.
 *
 * P1: a child runs in its own process group, so Ctrl-C in a terminal reaches only the supervisor, which stops in order.
 * P2: its pid record is written in the same turn as the spawn, before anything can fail.
 * P3: after `stop()` no restart happens, whatever was under way.
 * P4: a process that lives but has not answered at all for `hungAfterMs` is ended and started again: nobody may be there to do it,
 *     and what it acknowledged survives even SIGKILL. One that answers "not ready" is left alone: it waits for something.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { childEnvironment } from './child-environment.ts'
import { StackError, type StackErrorCode } from './errors.ts'
import { boundLog, lastLines } from './log-file.ts'
import type { Health } from './probes.ts'
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
  /** One health check, answered within `signal`. Never rejects. */
  healthy(signal: AbortSignal): Promise<Health>
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
  /** Epoch ms since when it is in this state. */
  readonly stateSince: number
  /** Why it is not ready, in words. */
  readonly reason?: string
  readonly log: string
}

export interface ManagedProcessOptions {
  readonly pidFolder: string
  readonly logFolder: string
  onChange(process: ManagedProcess): void
  /** It kept dying and is given up. */
  onFailed(process: ManagedProcess, error: StackError): void
}

/** How it ended, short for the status and with its last lines for whoever starts it. */
class Death extends StackError {
  readonly how: string

  constructor(how: string, code: StackErrorCode, message: string) {
    super(code, message)
    this.how = how
  }
}

interface Spawned {
  readonly child: ChildProcess
  /** How it ended, in words. */
  readonly exit: Promise<string>
}

const healthPollMs = 100
const watchEveryMs = 5_000
const checkTimeoutMs = 4_000
/** Health checks in a row that must fail before a ready process counts as degraded. */
const degradedAfter = 2
/** Counted in checks, not by the clock: a laptop that slept has not hung. */
export const hungAfterMs = 120_000
const hungAfterChecks = hungAfterMs / watchEveryMs
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
  #silentChecks = 0
  #stateSince = Date.now()
  #reason: string | undefined

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
      stateSince: this.#stateSince,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
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
        this.#setState('failed', `${death.how}, ${String(this.#deaths)} times in a row`)
        onGivenUp(death)
        if (this.#wasReady) this.#options.onFailed(this, death)
        return
      }
      this.#setState('starting', death.how)
      await sleep(backoffMs(this.#deaths), undefined, { signal }).catch(() => undefined)
      if (!this.#isStopping()) this.#restarts++
    }
  }

  /** Spawns once and answers how it ended. */
  async #liveOnce(onReady: () => void): Promise<Death> {
    const { signal } = this.#stopping
    if (signal.aborted) return this.#ended('was stopped')
    this.#setState('starting', this.#reason)
    try {
      await this.spec.prepare?.()
    } catch (error) {
      if (error instanceof StackError) return new Death(error.message, error.code, error.message)
      return this.#ended(error instanceof Error ? error.message : String(error))
    }
    // An abort during `prepare` must not be followed by a spawn (P3).
    if (this.#isStopping()) return this.#ended('was stopped')
    let spawned: Spawned
    try {
      spawned = this.#spawn()
    } catch (error) {
      return this.#ended(
        `could not be started: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    const { child, exit } = spawned
    const ready = await this.#becomeReady(exit)
    if (ready === 'timeout') {
      await this.#end(child)
      const how = `did not become ready within ${String(this.spec.startTimeoutMs / 1000)} s`
      const last = this.#reason === undefined ? '' : ` (${this.#reason})`
      const message = `${this.spec.name} ${how}${last}${this.#tail()}`
      return new Death(how, 'START_TIMEOUT', message)
    }
    if (ready === 'ready') {
      this.#wasReady = true
      this.#setState('ready')
      onReady()
      this.#startWatch(child)
    }
    const how = await exit
    this.#stopWatch()
    return this.#ended(how)
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  #ended(how: string): Death {
    return new Death(how, 'PROCESS_DIED', `${this.spec.name} ${how}${this.#tail()}`)
  }

  #tail(): string {
    const lines = lastLines(this.#log, 20)
    // Structured lines are for machines; what a process said in words says it better.
    const words = lines.filter((line) => !line.startsWith('{'))
    const shown = (words.length > 0 ? words : lines).slice(-5)
    return `; its log ${this.#log} says why${shown.length === 0 ? '' : `:\n  ${shown.join('\n  ')}`}`
  }

  #spawn(): Spawned {
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
      try {
        writePidRecord(this.#options.pidFolder, { name, pid: child.pid, stopTimeoutMs })
      } catch (error) {
        // On a full disk. What no later start could find must not run (P2).
        this.#child = undefined
        child.kill('SIGKILL')
        throw error
      }
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

  #check(): Promise<Health> {
    return this.spec.healthy(AbortSignal.timeout(checkTimeoutMs))
  }

  async #settle(): Promise<boolean> {
    try {
      await this.spec.afterHealthy?.()
      return true
    } catch (error) {
      this.#reason = error instanceof Error ? error.message : String(error)
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
      const health = await this.#check()
      this.#explain(health)
      if (health === 'ready' && (await this.#settle())) {
        // Another program may answer on the port while ours has just died for it.
        return isDead() ? 'died' : 'ready'
      }
      await sleep(healthPollMs)
    }
    return isDead() ? 'died' : 'timeout'
  }

  #startWatch(child: ChildProcess): void {
    this.#failedChecks = 0
    this.#silentChecks = 0
    let busy = false
    this.#watch = setInterval(() => {
      boundLog(this.#log)
      if (busy) return
      busy = true
      void this.#check().then((health) => {
        busy = false
        if (this.#watch !== undefined) this.#judge(health, child)
      })
    }, watchEveryMs)
    this.#watch.unref()
  }

  #judge(health: Health, child: ChildProcess): void {
    if (health === 'ready') {
      this.#failedChecks = 0
      this.#silentChecks = 0
      this.#setState('ready')
      return
    }
    this.#failedChecks++
    this.#silentChecks = health.answers ? 0 : this.#silentChecks + 1
    if (this.#failedChecks >= degradedAfter) this.#setState('degraded', health.reason)
    if (this.#silentChecks < hungAfterChecks) return
    this.#stopWatch()
    void this.#end(child) // its exit is seen by whoever waits for it, and it is started again (P4)
  }

  #explain(health: Health): void {
    const reason = health === 'ready' ? undefined : health.reason
    if (reason === this.#reason || (reason !== undefined && this.#deaths > 0)) return
    this.#reason = reason
    this.#options.onChange(this)
  }

  #stopWatch(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #setState(state: ProcessState, reason?: string): void {
    if (this.#state === state && this.#reason === reason) return
    if (this.#state !== state) this.#stateSince = Date.now()
    this.#state = state
    this.#reason = reason
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

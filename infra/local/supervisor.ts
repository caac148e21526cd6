/** The children of one stack: started together, stopped in order, their state kept in a file for `status`. */
import { rmSync } from 'node:fs'
import process from 'node:process'

import { systemCode, type StackError } from './errors.ts'
import type { DataLayout } from './layout.ts'
import { ManagedProcess } from './managed-process.ts'
import type { ProcessSpec, ProcessStatus } from './managed-process.ts'
import type { StackPorts } from './ports.ts'
import { identityOf } from './process-identity.ts'
import { writeStackState } from './stack-state.ts'

export interface SupervisorOptions {
  readonly layout: DataLayout
  readonly ports: StackPorts
  readonly onChange?: (status: ProcessStatus) => void
  /** A process that had been ready kept dying. */
  readonly onFailed?: (error: StackError) => void
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #since = Date.now()
  #processes: ManagedProcess[] = []
  #closed = false

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  get statuses(): readonly ProcessStatus[] {
    return this.#processes.map((child) => child.status)
  }

  /** Starts several at once and resolves when all are ready; what is stopped later is stopped in reverse. */
  async start(specs: readonly ProcessSpec[]): Promise<void> {
    if (this.#closed) throw new Error('The stack is stopping.')
    const { layout, onFailed } = this.#options
    const started = specs.map(
      (spec) =>
        new ManagedProcess(spec, {
          pidFolder: layout.pids,
          logFolder: layout.logs,
          onChange: (child) => {
            this.#writeState()
            this.#options.onChange?.(child.status)
          },
          onFailed: (_child, error) => {
            onFailed?.(error)
          },
        }),
    )
    this.#processes = [...this.#processes, ...started]
    await Promise.all(started.map((child) => child.start()))
  }

  /** Stops the named ones together. */
  async stop(names: readonly string[]): Promise<void> {
    const chosen = this.#processes.filter((child) => names.includes(child.spec.name))
    await Promise.all(chosen.map((child) => child.stop()))
  }

  /** Stops everything, the groups one after the other: `[[api, worker], [clickhouse], [registry], [kafka]]`; the rest first. */
  async stopAll(lastGroups: readonly (readonly string[])[]): Promise<void> {
    this.#closed = true
    const late = new Set(lastGroups.flat())
    const first = this.#processes.map((child) => child.spec.name).filter((name) => !late.has(name))
    for (const group of [first, ...lastGroups]) await this.stop(group)
    rmSync(this.#options.layout.state, { force: true })
  }

  #writeState(): void {
    const identity = identityOf(process.pid)
    if (identity === undefined || this.#closed) return
    try {
      writeStackState(this.#options.layout, {
        ...identity,
        since: this.#since,
        ports: this.#options.ports,
        processes: this.statuses,
      })
    } catch (error) {
      // Only `status` reads it, and the next change writes it again: no reason to let go of the children.
      if (systemCode(error) === undefined) throw error
    }
  }
}

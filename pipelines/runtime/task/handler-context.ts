/** The one Context object of a task: moved from key to key, handed to every handler. */

import { RuntimeError } from '../errors.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { Emitter, type OutputSettings } from './emitter.ts'
import type { KeySpace } from './key-space.ts'
import type { OutputBuffers } from './output-buffers.ts'
import type { TaskCounters } from './task-counters.ts'
import type { TenantClocks } from './tenant-clocks.ts'

export class HandlerContext {
  clockMs = Number.NEGATIVE_INFINITY
  globals: Record<string, unknown> = {}
  /** What the record handler refused the record with; undefined when it did not. */
  rejection: string | undefined
  /** Whether there is a record to reject. */
  inRecordHandler = false

  readonly #keySpace: KeySpace
  readonly #tenants: TenantClocks
  readonly #counters: TaskCounters
  readonly #emitters: ReadonlyMap<string, Emitter<never>>
  #keyId = -1
  #keyText: string | undefined

  constructor(options: {
    readonly pipeline: Pipeline
    readonly keySpace: KeySpace
    readonly tenants: TenantClocks
    readonly counters: TaskCounters
    readonly outputs: OutputBuffers
    readonly settings: OutputSettings
  }) {
    const { pipeline, outputs, settings } = options
    this.#keySpace = options.keySpace
    this.#tenants = options.tenants
    this.#counters = options.counters
    this.#emitters = new Map(
      Object.entries(pipeline.outputs).map(([name, topic]) => [
        name,
        new Emitter({ outputs, keys: options.keySpace.keys, topic, settings }),
      ]),
    )
  }

  get key(): string {
    this.#keyText ??= this.#keySpace.keys.textOf(this.#keyId)
    return this.#keyText
  }

  get tenant(): string {
    return this.#tenants.nameOf(this.#keySpace.tenantOf(this.#keyId))
  }

  moveTo(id: number, clockMs: number): void {
    if (id !== this.#keyId) {
      this.#keyId = id
      this.#keyText = undefined
    }
    this.clockMs = clockMs
  }

  /** After a key was removed: its id may come to mean another key. */
  forgetKey(): void {
    this.#keyId = -1
    this.#keyText = undefined
  }

  emit(output: string, value: never): void {
    const emitter = this.#emitters.get(output)
    if (emitter === undefined) {
      throw new RuntimeError('PIPELINE_FAILED', `'${output}' is not among the declared outputs`)
    }
    emitter.emit(value, this.key, this.#keyId)
    this.#counters.emitted += 1
  }

  reject(detail: string): void {
    if (!this.inRecordHandler) {
      throw new RuntimeError('PIPELINE_FAILED', 'reject() works only while a record is handled')
    }
    this.rejection = detail
  }
}

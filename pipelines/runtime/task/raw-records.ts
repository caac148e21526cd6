/**
 * The door of a task for records of topics of others: decode, handle, or put aside.
 *
 * - Y1: nothing in a record stops the task: what its decoder cannot read, what is larger than we
 *   take, what the pipeline refuses and what cannot be written each have an outcome.
 * - Y2: the work that one record makes is bounded: its own bytes before it is decoded, and the bytes
 *   that it leads to, since a few that are common to thousands of points stand in each of them.
 */

import { RuntimeError } from '../errors.ts'
import { murmur2, type RecordSet } from '../record/index.ts'
import type { Outputs, Pipeline } from '../topology/define-pipeline.ts'
import { Undecodable, type RawContext } from '../topology/raw-pipeline.ts'
import { Emitter, type OutputSettings } from './emitter.ts'
import type { KeySpace } from './key-space.ts'
import type { OutputBuffers } from './output-buffers.ts'
import type { Refusal } from './record-values.ts'
import type { TaskCounters } from './task-counters.ts'
import type { RawTaskInput } from './task-inputs.ts'
import type { TenantClocks } from './tenant-clocks.ts'

const MIB = 1024 * 1024
/** Y2; decoded, it takes some ten times as much. */
const MAX_VALUE_BYTES = 8 * MIB
const MAX_OUTPUT_BYTES = 32 * MIB
/** Keys must have one: source partitions belong to nobody. */
const NO_TENANT = ''

export class RawRecords {
  readonly #pipeline: Pipeline
  readonly #keySpace: KeySpace
  readonly #tenants: TenantClocks
  readonly #context: Context
  readonly #keys = new Map<RawTaskInput, number>()

  constructor(options: {
    readonly pipeline: Pipeline
    readonly keySpace: KeySpace
    readonly tenants: TenantClocks
    readonly counters: TaskCounters
    readonly outputs: OutputBuffers
    readonly settings: OutputSettings
  }) {
    this.#pipeline = options.pipeline
    this.#keySpace = options.keySpace
    this.#tenants = options.tenants
    this.#context = new Context(options)
  }

  /** Undefined when the record has been processed; else why it is to be put aside. */
  take(input: RawTaskInput, record: RecordSet): Refusal | undefined {
    if (record.fault !== undefined) return { reason: 'batch-too-large', detail: record.fault }
    const valueBytes = record.valueEnd - record.valueStart
    if (valueBytes > MAX_VALUE_BYTES) {
      const detail = `the value has ${valueBytes} bytes; at most ${MAX_VALUE_BYTES} are decoded`
      return { reason: 'record-too-large', detail }
    }
    const value = input.raw.decode({
      key: record.key(),
      value: record.value(),
      headers: record.headers(),
      timestampMs: record.timestampMs,
    })
    if (value instanceof Undecodable) return { reason: 'undecodable', detail: value.detail }
    this.#keySpace.select(this.#keyOf(input))
    this.#context.begin()
    this.#pipeline.on[input.name]?.(value as object, this.#keySpace.views, this.#context as never)
    const { rejection } = this.#context
    return rejection === undefined ? undefined : { reason: 'rejected', detail: rejection }
  }

  /** The id of the source partition. */
  #keyOf(input: RawTaskInput): number {
    const known = this.#keys.get(input)
    if (known !== undefined) return known
    const bytes = Buffer.from(`${input.topic}/${input.partition}`, 'utf8')
    const hash = murmur2(bytes)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let id = this.#keySpace.keys.find(hash, view, 0, bytes.length)
    if (id < 0) {
      const tenant = this.#tenants.indexOf(NO_TENANT)
      id = this.#keySpace.add({ hash, bytes, start: 0, end: bytes.length, tenant })
      this.#keySpace.setClockMs(id, 0) // its row is written, without which it has no other state
    }
    this.#keys.set(input, id)
    return id
  }
}

class Context implements RawContext<Outputs> {
  rejection: string | undefined
  readonly #outputs: OutputBuffers
  readonly #counters: TaskCounters
  readonly #emitters: ReadonlyMap<string, Emitter<unknown>>
  #limitBytes = 0

  constructor(options: {
    readonly pipeline: Pipeline
    readonly keySpace: KeySpace
    readonly counters: TaskCounters
    readonly outputs: OutputBuffers
    readonly settings: OutputSettings
  }) {
    const { pipeline, outputs, settings, keySpace } = options
    this.#outputs = outputs
    this.#counters = options.counters
    this.#emitters = new Map(
      Object.entries(pipeline.outputs).map(([name, topic]) => [
        name,
        new Emitter<unknown>({ outputs, keys: keySpace.keys, topic, settings }),
      ]),
    )
  }

  /** The next record. */
  begin(): void {
    this.rejection = undefined
    this.#limitBytes = this.#outputs.pendingBytes + MAX_OUTPUT_BYTES
  }

  emit(output: string, value: unknown): string | undefined {
    const emitter = this.#emitters.get(output)
    if (emitter === undefined) {
      throw new RuntimeError('PIPELINE_FAILED', `'${output}' is not among the declared outputs`)
    }
    if (this.#outputs.pendingBytes >= this.#limitBytes) {
      return `one record may lead to ${MAX_OUTPUT_BYTES} bytes`
    }
    const fault = emitter.emitWhatFits(value)
    if (fault === undefined) this.#counters.emitted += 1
    return fault
  }

  reject(detail: string): void {
    this.rejection = detail
  }

  countRepeated(): void {
    this.#counters.repeated += 1
  }
}

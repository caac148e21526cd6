/**
 * Production tasks of one partition, driven in step through the recorded inputs in the recorded
 * order. Nothing is written: what they would commit is handed over.
 *
 * B1: all of them see the same records in the same order and stop at the same places, so that what
 *     they say can be compared piece by piece.
 */
import { RecordSet, type RecordBatchBuilder } from '../../pipelines/runtime/record/index.ts'
import type { Pipeline } from '../../pipelines/runtime/index.ts'
import type { OutputSettings } from '../../pipelines/runtime/task/emitter.ts'
import {
  RecordedOrder,
  type InputOrder,
  type Pick,
} from '../../pipelines/runtime/task/input-merger.ts'
import type { SchemaSource } from '../../pipelines/runtime/task/record-values.ts'
import type { TaskInput } from '../../pipelines/runtime/task/task-inputs.ts'
import { Task } from '../../pipelines/runtime/task/task.ts'
import type { OrderRun } from '../../pipelines/runtime/topology/internal-schemas.ts'
import { ServiceError } from '../shared/errors.ts'
import type { WrittenRecord } from './output-ledger.ts'

const RUN_RECORDS = 5_000
const TAKE_BYTES = 4 * 1024 * 1024

/** Arrival times between which outputs are of interest. */
export interface Period {
  readonly fromMs: number
  readonly toMs: number
}

export type PeriodPhase = 'before' | 'inside' | 'after'

export interface LockstepOptions {
  readonly pipelines: readonly Pipeline[]
  readonly partition: number
  readonly partitions: number
  readonly schemas: SchemaSource
  readonly settings: OutputSettings
  readonly period: Period
  /** More records of an input; undefined when there are none. */
  readonly fetch: (input: TaskInput) => Promise<RecordSet | undefined>
  /** The registry could not be asked from within: look the schema up. */
  readonly lookUp: (schemaId: number) => Promise<void>
  /** What a pipeline, by its index, said to inputs of the phase. All say theirs to the same inputs. */
  readonly onOutput: (index: number, record: WrittenRecord, phase: PeriodPhase) => void
  readonly onSettled: () => void
}

interface Lane {
  readonly task: Task
  readonly recorded: RecordedOrder
  readonly order: PausingOrder
}

export class Lockstep {
  readonly #options: LockstepOptions
  readonly #lanes: readonly Lane[]
  readonly #outputs: ReadonlySet<string>
  #phase: PeriodPhase = 'before'
  #recordsBefore = 0
  #recordsUntilEnd: number | undefined

  constructor(options: LockstepOptions) {
    this.#options = options
    this.#lanes = options.pipelines.map((pipeline) => openLane(pipeline, options))
    const [first] = options.pipelines
    this.#outputs = new Set(Object.values(first?.outputs ?? {}).map(({ name }) => name))
    this.#pauseAt(options.period.fromMs)
  }

  /** Data records that have been processed. */
  get records(): number {
    return this.#lanes[0]?.task.counters.records ?? 0
  }

  /** Those that arrived in the period. */
  get recordsInside(): number {
    if (this.#phase === 'before') return 0
    return (this.#recordsUntilEnd ?? this.records) - this.#recordsBefore
  }

  /** Processes what was recorded next. */
  async follow(runs: readonly OrderRun[]): Promise<void> {
    for (const { recorded } of this.#lanes) recorded.append(runs)
    for (;;) {
      const [outcome] = this.#lanes.map(({ task }) => task.run(RUN_RECORDS))
      if (outcome === undefined) return
      if (this.#lanes.some(({ task }) => task.pendingBytes > TAKE_BYTES)) this.takeOutputs()
      if (outcome.kind === 'schema-missing') await this.#options.lookUp(outcome.schemaId)
      else if (outcome.kind === 'idle') {
        if (this.#lanes[0]?.order.isPaused === true) this.#nextPhase()
        else if (!(await this.#fetchAwaited())) return
      }
    }
  }

  /** Hands over what was said since, and settles it. */
  takeOutputs(): void {
    for (const [index, { task }] of this.#lanes.entries()) {
      const commit = task.takeCommit()
      if (commit === undefined) continue
      for (const { topic, partition, batches } of commit.outputs) {
        if (!this.#outputs.has(topic)) continue
        for (const batch of batches) this.#tell(index, { topic, partition }, batch)
      }
      task.recycle(commit)
    }
    this.#options.onSettled()
  }

  #tell(
    index: number,
    target: { readonly topic: string; readonly partition: number },
    batch: RecordBatchBuilder,
  ): void {
    const records = new RecordSet(batch.finish({ timestampMs: 0 }), {
      fromOffset: 0,
      verifyCrc: false,
    })
    while (records.next()) {
      const record = { ...target, key: records.key(), value: records.value() }
      this.#options.onOutput(index, record, this.#phase)
    }
  }

  /** False when the recorded order has been followed as far as it is known. */
  async #fetchAwaited(): Promise<boolean> {
    const awaited = this.#lanes[0]?.recorded.awaited
    if (awaited === undefined) return false
    const { input } = awaited
    const records = await this.#options.fetch(input)
    if (records === undefined) {
      throw new ServiceError({
        code: 'INPUT_INVALID',
        message: `The recorded order goes beyond ${input.topic}/${input.partition}, which ends at offset ${awaited.position}; the topic was cut or made anew.`,
      })
    }
    const cursors = [records, ...this.#lanes.slice(1).map(() => records.again())]
    for (const [index, { task }] of this.#lanes.entries()) {
      const queue = task.queues.find(({ input: other }) => isSame(other, input))
      const answer = { highWatermark: records.nextOffset, requestedAtMs: 0, receivedAtMs: 0 }
      if (queue !== undefined) task.push(queue, { ...answer, records: cursors[index]! })
    }
    return true
  }

  #nextPhase(): void {
    this.takeOutputs()
    if (this.#phase === 'before') {
      this.#phase = 'inside'
      this.#recordsBefore = this.records
      this.#pauseAt(this.#options.period.toMs)
    } else {
      this.#phase = 'after'
      this.#recordsUntilEnd = this.records
      this.#pauseAt(Number.POSITIVE_INFINITY)
    }
  }

  #pauseAt(arrivalMs: number): void {
    for (const { order } of this.#lanes) order.pauseAtMs = arrivalMs
  }
}

const openLane = (pipeline: Pipeline, options: LockstepOptions): Lane => {
  const { partition, partitions, schemas, settings } = options
  const task = new Task({ pipeline, partition, partitions, schemas, settings })
  const recorded = new RecordedOrder(task.queues)
  const order = new PausingOrder(recorded)
  task.follow(() => order)
  return { task, recorded, order }
}

/** Follows an order until a record comes that arrived at a given time, or later. */
class PausingOrder implements InputOrder {
  pauseAtMs = Number.POSITIVE_INFINITY
  readonly #order: InputOrder

  constructor(order: InputOrder) {
    this.#order = order
  }

  get isPaused(): boolean {
    const next = this.#order.next()
    return next !== undefined && next.queue.head.timestampMs >= this.pauseAtMs
  }

  next(): Pick | undefined {
    if (this.isPaused) return undefined
    const next = this.#order.next()
    return next && { ...next, untilMs: Math.min(next.untilMs, this.pauseAtMs - 1) }
  }
}

const isSame = (a: TaskInput, b: TaskInput): boolean =>
  a.topic === b.topic && a.partition === b.partition

/**
 * One partition of a topology, as a pure machine: fetched records in, batches to commit out.
 *
 * It reads no clock and does no I/O; the same class runs under Kafka, in the in-memory test driver
 * and in a backtest.
 *
 * K1: a record is processed under its canonical key in that key's partition. One that another
 *     producer keyed or placed differently goes through the repartition topic first.
 * K4: a commit holds all effects of the records it covers, and of no others.
 *
 * (K2 and K3, about clocks, are in key-processor.ts.)
 */

import type { Tick } from '../../../schemas/generated/control-ticks.ts'
import type { AnyTopic } from '../../../schemas/topic.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import { RuntimeError, textOf } from '../errors.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import type { OrderRun } from '../topology/internal-schemas.ts'
import { isKeyed } from '../topology/internal-topics.ts'
import type { OutputSettings } from './emitter.ts'
import { ArrivalOrder } from './arrival-order.ts'
import { HandlerContext } from './handler-context.ts'
import { AppendTimeOrder, type InputOrder } from './input-merger.ts'
import { InputQueue, type FetchedRecords } from './input-queue.ts'
import { Intake, type IntakeOutcome } from './intake.ts'
import { InternalRecords } from './internal-records.ts'
import { KeyProcessor } from './key-processor.ts'
import { KeySpace } from './key-space.ts'
import { OriginProgress } from './origin-progress.ts'
import { OutputBuffers, type PartitionOutput } from './output-buffers.ts'
import { RawRecords } from './raw-records.ts'
import { RecordValues, type Refusal, type SchemaSource } from './record-values.ts'
import { SideOutputs } from './side-outputs.ts'
import { StateLineage } from './state-lineage.ts'
import { TaskCounters } from './task-counters.ts'
import { isRaw, taskInputs, upstreamTickTopics, type TaskInput } from './task-inputs.ts'
import {
  CONTROL_ORIGIN,
  outputOrigin,
  repartitionOrigin,
  TenantClocks,
  tenantFault,
} from './tenant-clocks.ts'
import { TickRelay, type PassedTicks } from './tick-relay.ts'

const HOUR_MS = 3_600_000
/** What a run of the recorded order takes, about: inputs that take turns make one per record. */
const RUN_BYTES = 64
/** Before the first commit tells. */
const FIRST_STATE_BYTES = 256

export interface TaskOptions {
  readonly pipeline: Pipeline
  readonly partition: number
  /** Tasks of the topology = partitions of its co-partitioned inputs. */
  readonly partitions: number
  readonly schemas: SchemaSource
  readonly settings: OutputSettings
  /** Event time may run ahead of the broker's append time by this much (default 60 s). */
  readonly aheadToleranceMs?: number
}

/** What one transaction writes. */
export interface Commit {
  readonly outputs: readonly PartitionOutput[]
  /** To be written behind all outputs. */
  readonly ticks: PassedTicks | undefined
  /** Where to go on, per partitioned input. Positions of global tables are in the changelog. */
  readonly offsets: readonly { topic: string; partition: number; offset: number }[]
}

export type RunOutcome =
  | { readonly kind: 'idle' }
  | { readonly kind: 'more' }
  | { readonly kind: 'schema-missing'; readonly schemaId: number }

const DEFAULT_AHEAD_TOLERANCE_MS = 60_000

export class Task {
  readonly pipeline: Pipeline
  readonly partition: number
  readonly inputs: readonly TaskInput[]
  readonly queues: readonly InputQueue[]
  readonly counters = new TaskCounters()
  readonly keySpace: KeySpace
  readonly clocks: TenantClocks
  readonly origins: OriginProgress
  readonly context: HandlerContext
  readonly lineage: StateLineage

  readonly #outputs: OutputBuffers
  readonly #processor: KeyProcessor
  readonly #intake: Intake
  readonly #internal: InternalRecords
  readonly #raw: RawRecords
  readonly #ticks: TickRelay | undefined
  readonly #controlValues = new Map<InputQueue, RecordValues>()
  readonly #sideOutputs: SideOutputs
  readonly #aheadToleranceMs: number
  readonly #runs: { queue: InputQueue; upTo: number }[] = []
  /** Tenant clock by tenant index, so that the record path does not recompute it. */
  readonly #tenantClockMs: number[] = []
  #order: InputOrder
  /** Of changelog entries, in the latest commit: what a key that has changed since will take. */
  #stateBytesPerKey = FIRST_STATE_BYTES

  constructor(options: TaskOptions) {
    const { pipeline, partition, partitions, settings, schemas } = options
    this.pipeline = pipeline
    this.partition = partition
    this.#aheadToleranceMs = options.aheadToleranceMs ?? DEFAULT_AHEAD_TOLERANCE_MS
    this.#outputs = new OutputBuffers(settings.maxBatchBytesOf)
    const { partitionsOf } = settings
    this.inputs = taskInputs(pipeline, { partition, partitions, partitionsOf })
    this.queues = this.inputs.map((input) => new InputQueue(input, 0))
    this.#order = isKeyed(pipeline)
      ? new AppendTimeOrder(this.queues)
      : new ArrivalOrder(this.queues)
    this.keySpace = new KeySpace(pipeline)
    const origins = tickOrigins(pipeline, partitions)
    this.clocks = new TenantClocks(origins)
    this.origins = new OriginProgress([origins.source, origins.repartition])
    this.lineage = new StateLineage(pipeline)
    this.#sideOutputs = new SideOutputs({ outputs: this.#outputs, pipeline, partition })
    this.#internal = new InternalRecords({
      pipeline,
      partition,
      partitions,
      outputs: this.#outputs,
      settings,
    })
    this.context = new HandlerContext({
      pipeline,
      keySpace: this.keySpace,
      tenants: this.clocks,
      counters: this.counters,
      outputs: this.#outputs,
      settings,
    })
    for (const [name, { empty }] of Object.entries(pipeline.globals))
      this.context.globals[name] = empty
    this.#processor = new KeyProcessor({
      pipeline,
      keySpace: this.keySpace,
      context: this.context,
      writers: this.#internal.changelogWriter,
    })
    this.#intake = new Intake({
      partition,
      partitions,
      keySpace: this.keySpace,
      tenants: this.clocks,
      schemas,
      aheadToleranceMs: this.#aheadToleranceMs,
    })
    this.#raw = new RawRecords({
      pipeline,
      keySpace: this.keySpace,
      tenants: this.clocks,
      counters: this.counters,
      outputs: this.#outputs,
      settings,
    })
    if (isKeyed(pipeline)) this.#ticks = new TickRelay({ pipeline, partition, settings })
    for (const queue of this.queues) {
      const topic = controlTopic(queue.input)
      if (topic)
        this.#controlValues.set(queue, new RecordValues({ topic, fields: undefined, schemas }))
    }
  }

  /** Follow a recorded order instead of append times (backtest, verification). */
  follow(order: (queues: readonly InputQueue[]) => InputOrder): void {
    this.#order = order(this.queues)
  }

  push(queue: InputQueue, fetched: FetchedRecords): void {
    queue.push(fetched)
  }

  /** Whether a commit would hold anything. */
  get hasUncommitted(): boolean {
    return this.#runs.length > 0
  }

  /** Of outputs that the next commit takes, about. */
  get pendingBytes(): number {
    const { pendingBytes } = this.#outputs
    return pendingBytes + (this.#ticks?.pendingBytes ?? 0) + this.#runs.length * RUN_BYTES
  }

  /** All that the next commit will hold, changed state included, about. */
  get uncommittedBytes(): number {
    return this.pendingBytes + this.keySpace.dirtyKeys * this.#stateBytesPerKey
  }

  /**
   * Processes up to `maxRecords` records that are there, and no further one when what is to be
   * committed has reached `limitBytes`: records may be large, and a tick may close many windows. One
   * is taken in any case where nothing can be committed yet: a restore leaves deletions to write.
   *
   * @throws RuntimeError PIPELINE_FAILED when a handler throws: the task must not go on
   */
  run(maxRecords: number, limitBytes = Number.POSITIVE_INFINITY): RunOutcome {
    let budget = maxRecords
    while (budget > 0 && (this.uncommittedBytes < limitBytes || !this.hasUncommitted)) {
      const pick = this.#order.next()
      if (pick === undefined) return { kind: 'idle' }
      const { queue, untilMs, untilOffset } = pick
      do {
        const missing = this.#take(queue)
        if (missing >= 0) return { kind: 'schema-missing', schemaId: missing }
        queue.advance()
        this.#noteRun(queue)
        budget -= 1
      } while (
        budget > 0 &&
        this.uncommittedBytes < limitBytes &&
        queue.hasHead &&
        queue.head.timestampMs <= untilMs &&
        queue.head.offset < untilOffset
      )
    }
    return { kind: 'more' }
  }

  /**
   * Everything since the last commit; undefined when no record was processed since.
   *
   * @throws RuntimeError PIPELINE_FAILED when state does not fit its schema
   */
  takeCommit(): Commit | undefined {
    if (this.#runs.length === 0) return undefined
    this.#flushState()
    const touchedGlobals = this.#runs.some(({ queue }) => queue.input.kind === 'global')
    if (touchedGlobals) {
      this.#internal.writeGlobals(this.queues.filter(({ input }) => input.kind === 'global'))
    }
    this.#internal.writeTenants(this.clocks)
    this.#internal.writeOrder(this.#takeRuns())
    const offsets = this.queues
      .filter(({ input }) => input.kind !== 'global')
      .map(({ input, position }) => ({
        topic: input.topic,
        partition: input.partition,
        offset: position,
      }))
    this.#writeLineage(offsets)
    return { outputs: this.#outputs.take(), ticks: this.#ticks?.take(), offsets }
  }

  #writeLineage(positions: Commit['offsets']): void {
    this.#internal.writePositions(this.lineage.takeMoved(positions))
    const topology = this.lineage.takeTopology()
    if (topology !== undefined) this.#internal.writeTopology(topology)
  }

  #flushState(): void {
    const { dirtyKeys } = this.keySpace
    const beforeBytes = this.#outputs.pendingBytes
    try {
      this.keySpace.flush(this.#internal.changelogWriter)
      const writtenBytes = this.#outputs.pendingBytes - beforeBytes
      if (dirtyKeys > 0) this.#stateBytesPerKey = Math.ceil(writtenBytes / dirtyKeys)
    } catch (error) {
      throw new RuntimeError(
        'PIPELINE_FAILED',
        `Pipeline '${this.pipeline.name}' left state that cannot be written: ${textOf(error)}`,
        { cause: error },
      )
    }
  }

  /** The commit is through: its buffers may be used again. */
  recycle(commit: Commit): void {
    this.#outputs.recycle(commit.outputs)
  }

  /** Deletes an entry of a store that the state at hand knows nothing of, with the next commit. */
  deleteLeftover(store: string, key: Buffer): void {
    this.#internal.changelogWriter(store).write(key, 0, key.length, null, 0)
  }

  /** Call once after state has been restored. */
  settleRestored(): void {
    this.keySpace.settleRestored()
    for (const tenant of this.clocks.names.keys()) {
      this.#tenantClockMs[tenant] = this.clocks.clockMs(tenant)
    }
  }

  /** Folds a record of a global table; the record at the queue's head, or while restoring. */
  foldGlobal(input: TaskInput, value: unknown): void {
    const { global, name } = input
    if (global === undefined) return
    this.context.globals = {
      ...this.context.globals,
      [name]: global.fold(this.context.globals[name], value) as unknown,
    }
  }

  /** Processes the head of the queue; returns a schema id that is not known yet, or -1. */
  #take(queue: InputQueue): number {
    try {
      return queue.input.keyed === undefined ? this.#takeOther(queue) : this.#takeData(queue)
    } catch (error) {
      const { topic, partition } = queue.input
      throw new RuntimeError(
        'PIPELINE_FAILED',
        `Pipeline '${this.pipeline.name}' failed at ${topic}/${partition} offset ${queue.head.offset}: ` +
          textOf(error),
        { cause: error },
      )
    }
  }

  #takeData(queue: InputQueue): number {
    const { input, head } = queue
    const outcome: IntakeOutcome = this.#intake.take(input, head)
    switch (outcome) {
      case 'schema-missing':
        return this.#intake.missingSchemaId
      case 'refused':
        this.#deadLetter(input, queue)
        break
      case 'elsewhere':
        this.#repartition(input, queue)
        break
      case 'over-limit':
        this.counters.refusedByKeyLimit += 1
        break
      case 'here':
        this.#process(queue)
    }
    this.counters.records += 1
    return -1
  }

  #process(queue: InputQueue): void {
    const { record, keyId } = this.#intake
    const tenantClockMs =
      this.#tenantClockMs[this.keySpace.tenantOf(keyId)] ?? Number.NEGATIVE_INFINITY
    const onTime = this.#processor.process(keyId, record, tenantClockMs)
    if (!onTime) {
      this.#sideOutputs.late(queue.input, queue.head)
      this.counters.late += 1
    }
    if (this.context.rejection !== undefined) {
      this.#intake.refusal = { reason: 'rejected', detail: this.context.rejection }
      this.context.rejection = undefined
      this.#deadLetter(queue.input, queue)
    }
  }

  #repartition(input: TaskInput, queue: InputQueue): void {
    const refusal = this.#sideOutputs.repartition(input, queue.head, this.#intake.target)
    if (refusal === undefined) {
      this.counters.repartitioned += 1
      return
    }
    this.#intake.refusal = refusal
    this.#deadLetter(input, queue)
  }

  #deadLetter(input: TaskInput, { head }: InputQueue): void {
    this.#sideOutputs.deadLetter(input, head, this.#intake.refusal)
    this.counters.countDeadLetter(this.#intake.refusal.reason)
  }

  #takeOther(queue: InputQueue): number {
    const { input, head } = queue
    if (!isRaw(input)) return this.#takeControl(queue)
    const refusal = this.#raw.take(input, head)
    if (refusal !== undefined) {
      this.#intake.refusal = refusal
      this.#deadLetter(input, queue)
    }
    this.counters.records += 1
    return -1
  }

  #takeControl(queue: InputQueue): number {
    const values = this.#controlValues.get(queue) as RecordValues
    const outcome = values.read(queue.head)
    if (outcome === 'schema-missing') return values.missingSchemaId
    if (outcome === 'refused') {
      this.#intake.refusal = values.refusal
      this.#deadLetter(queue.input, queue)
    } else if (queue.input.kind === 'global') {
      this.foldGlobal(queue.input, values.value)
    } else {
      this.#tick(queue, values.value as unknown as Tick)
    }
    return -1
  }

  #tick(queue: InputQueue, tick: Tick): void {
    const refusal = this.#tickRefusal(queue, tick)
    if (refusal !== undefined) {
      this.#intake.refusal = refusal
      this.#deadLetter(queue.input, queue)
      return
    }
    this.counters.ticks += 1
    const origin = queue.input.topic === controlTicks.name ? CONTROL_ORIGIN : tick.origin
    if (!this.clocks.knows(origin)) return
    this.origins.note(origin, queue.head.timestampMs)
    if (!this.clocks.hasRoomFor(tick.tenant)) {
      this.counters.refusedByKeyLimit += 1
      return
    }
    const tenant = this.clocks.indexOf(tick.tenant)
    const sourceBeforeMs = this.clocks.sourceClockMs(tenant)
    const beforeMs = this.clocks.clockMs(tenant)
    this.clocks.advance(tenant, origin, tick.timestamp)
    const sourceMs = this.clocks.sourceClockMs(tenant)
    const clockMs = this.clocks.clockMs(tenant)
    if (sourceMs > sourceBeforeMs) {
      this.#ticks?.pass('repartition', { tenant: tick.tenant, timestamp: sourceMs })
    }
    if (clockMs <= beforeMs) return
    this.#tenantClockMs[tenant] = clockMs
    this.#processor.advanceTenant(tenant, clockMs)
    if (Math.floor(clockMs / HOUR_MS) > Math.floor(beforeMs / HOUR_MS))
      this.#evictIdle(tenant, clockMs)
    this.#ticks?.pass('output', { tenant: tick.tenant, timestamp: clockMs })
  }

  #tickRefusal({ head }: InputQueue, { tenant, timestamp }: Tick): Refusal | undefined {
    const fault = tenantFault(tenant)
    if (fault !== undefined) return { reason: 'invalid-key', detail: fault }
    if (timestamp <= head.timestampMs + this.#aheadToleranceMs) return undefined
    const detail = `tick of ${timestamp} arrived at ${head.timestampMs}`
    return { reason: 'event-time-ahead', detail }
  }

  #evictIdle(tenant: number, clockMs: number): void {
    const idle = [...this.keySpace.idleKeys(tenant, clockMs - this.pipeline.keyIdleTtlMs)]
    for (const id of idle) this.keySpace.remove(id, this.#internal.changelogWriter)
    this.counters.evictedKeys += idle.length
    this.context.forgetKey()
  }

  #noteRun(queue: InputQueue): void {
    const last = this.#runs.at(-1)
    if (last?.queue === queue) last.upTo = queue.position
    else this.#runs.push({ queue, upTo: queue.position })
  }

  #takeRuns(): OrderRun[] {
    const runs = this.#runs.map(({ queue: { input }, upTo }) => ({
      topic: input.topic,
      partition: input.partition,
      upTo,
    }))
    this.#runs.length = 0
    return runs
  }
}

const tickOrigins = (
  pipeline: Pipeline,
  partitions: number,
): { source: string[]; repartition: string[] } => {
  const tasks = Array.from({ length: partitions }, (_, partition) => partition)
  const source = upstreamTickTopics(pipeline).flatMap((topic) =>
    topic === controlTicks.name
      ? [CONTROL_ORIGIN]
      : tasks.map((partition) => outputOrigin(topic.slice(0, -'.ticks'.length), partition)),
  )
  return {
    source,
    repartition: tasks.map((partition) => repartitionOrigin(pipeline.name, partition)),
  }
}

const controlTopic = (input: TaskInput): AnyTopic | undefined =>
  input.kind === 'ticks' ? controlTicks : input.global?.topic

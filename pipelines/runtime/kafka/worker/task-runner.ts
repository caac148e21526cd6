/**
 * One task under Kafka: takes its partition over, restores, processes, commits.
 *
 * - W1: the order of taking over is: own the transactional id (which ends a predecessor's open
 *   transaction), then read the committed offsets, then restore up to the high watermark. Nothing
 *   older can move them afterwards, so what the state says of its positions must be the same.
 * - W2: any error of a transaction ends this runner; a successor starts from what is committed.
 *   Nothing is repeated inside a transaction that failed. `close` returns when no request of this
 *   runner can fence whoever comes next.
 * - W3: processing goes on while a commit is under way, on buffers of its own, up to a bound: its
 *   own, or a smaller one while all tasks of the process together hold much.
 * - W4: passed-on ticks are written when the outputs and repartitioned records before them have been
 *   acknowledged, and say where those stand: a tick must not overtake data (R1, M2).
 */

import { RuntimeError } from '../../errors.ts'
import type { PartitionOutput } from '../../task/output-buffers.ts'
import type { Task, Commit } from '../../task/task.ts'
import type { InputQueue } from '../../task/input-queue.ts'
import { isControl } from '../../task/task-inputs.ts'
import type { KafkaCluster } from '../cluster.ts'
import type { GroupMember } from '../group-member.ts'
import { brokerError, KafkaError } from '../kafka-error.ts'
import { Fetcher, type FetchedRecords } from '../fetcher.ts'
import type { TopicPartitionOffset } from '../protocol/api.ts'
import type { SchemaRegistryClient } from '../registry.ts'
import { backOffMs, sleep } from '../retry.ts'
import {
  TransactionalProducer,
  type OutputBatches,
  type TransactionStage,
} from '../transactional-producer.ts'
import { CommitTimes } from './commit-times.ts'
import type { TaskMemory } from './task-memory.ts'
import { restoreTask, type RestoreProgress } from './restore-task.ts'
import type { Turns } from './turns.ts'

/** Records between two looks at the clock: a millisecond or two of work. */
const RUN_RECORDS = 2_000
/** Output that makes a commit due early, and output at which processing waits for the commit (W3). */
const EARLY_COMMIT_BYTES = 800_000
const UNCOMMITTED_LIMIT_BYTES = 16 * 1024 * 1024
const FETCH_WAIT_MS = 200
/** As brokers number it. */
const OFFSET_OUT_OF_RANGE = 1
const REGISTRY_BACK_OFF_MS = 100
const REGISTRY_MAX_BACK_OFF_MS = 5_000

export type RunnerState = 'opening' | 'running' | 'draining' | 'failed' | 'closed'

export interface TaskRunnerOptions {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly groupId: string
  readonly transactionalId: string
  readonly partitions: number
  readonly commitIntervalMs: number
  readonly transactionTimeoutMs: number
  readonly memory: TaskMemory
  /** Makes the task anew; state comes from the changelogs. */
  readonly createTask: () => Task
  /** Under whose membership offsets are committed. */
  readonly member: Pick<GroupMember, 'session' | 'sessionAfter'>
  /** Tasks of a worker restore a few at a time. */
  readonly restores: Turns
  readonly onFailed: (error: unknown) => void
  /** For tests: awaited between the steps of a commit. */
  readonly onStage?: ((stage: TransactionStage) => Promise<void> | void) | undefined
}

export class TaskRunner {
  state: RunnerState = 'opening'
  /** Of this runner's restore, until it is done. */
  restore: RestoreProgress = { restoredRecords: 0, totalRecords: 0, seconds: 0 }
  /** Offsets that were gone when they were wanted: data expired unread. */
  lostOffsets = 0
  /** What it cannot go on without. */
  waitingFor: string | undefined
  readonly commitTimes = new CommitTimes()
  readonly task: Task

  readonly #options: TaskRunnerOptions
  readonly #producer: TransactionalProducer
  readonly #fetcher: Fetcher
  readonly #closing = new AbortController()
  readonly #queues = new Map<string, InputQueue>()
  readonly #committedOffsets = new Map<string, number>()
  #initialising: Promise<void> = Promise.resolve()
  #committing: Promise<void> | undefined
  /** Of the commit under way, and what is counted in the memory of all tasks. */
  #committingBytes = 0
  #countedBytes = 0
  #lastCommitAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #scheduled = false
  #awaitingSchema = false

  constructor(options: TaskRunnerOptions) {
    this.#options = options
    this.task = options.createTask()
    const { cluster, transactionalId } = options
    this.#producer = new TransactionalProducer({
      cluster,
      transactionalId,
      transactionTimeoutMs: options.transactionTimeoutMs,
      maxBatchBytes: Number.POSITIVE_INFINITY, // the task cuts its output to what each topic takes
      ...(options.onStage ? { onStage: options.onStage } : {}),
    })
    for (const queue of this.task.queues) {
      this.#queues.set(`${queue.input.topic}/${queue.input.partition}`, queue)
    }
    this.#fetcher = new Fetcher({
      cluster,
      name: transactionalId,
      maxWaitMs: FETCH_WAIT_MS,
      budget: options.memory.fetched,
      reusesMemory: true,
      onRecords: (fetched) => {
        this.#receive(fetched)
      },
      onOffsetOutOfRange: (position) => {
        this.#skipLost(position)
      },
      onError: (_, error) => {
        this.#fail(error)
      },
    })
  }

  /** Records fetched or to be fetched before the task stands at the end of its data inputs. */
  get lag(): number {
    let lag = 0
    for (const { input, highWatermark, position } of this.task.queues) {
      if (!isControl(input)) {
        lag += Math.max(0, highWatermark - position)
      }
    }
    return lag
  }

  /** Takes the partition over and starts (W1). Never rejects: failures go to `onFailed`. */
  async open(): Promise<void> {
    const { signal } = this.#closing
    try {
      this.#initialising = this.#producer.init({ signal })
      await this.#initialising
      const giveUpTurn = await this.#options.restores.take(signal)
      try {
        await this.#restore(signal)
      } finally {
        giveUpTurn()
      }
      if (signal.aborted) return
      this.state = 'running'
      this.#fetcher.assign(
        this.task.queues.map(({ input, position }) => ({
          topic: input.topic,
          partition: input.partition,
          offset: position,
        })),
      )
    } catch (error) {
      if (!signal.aborted) this.#fail(error)
    }
  }

  async #restore(signal: AbortSignal): Promise<void> {
    const { cluster, registry, partitions, groupId } = this.#options
    const inputs = this.task.inputs.filter(({ kind }) => kind !== 'global')
    const committed = await cluster.committedOffsets(groupId, inputs, { signal })
    await restoreTask({
      cluster,
      registry,
      task: this.task,
      partitions,
      committed,
      signal,
      onProgress: (progress) => {
        this.restore = progress
      },
      onWaiting: (schemaId) => {
        this.#noteWaiting(schemaId)
      },
    })
  }

  /** Begins nothing more, finishes what was begun and commits it. To be closed then. */
  async drain(): Promise<void> {
    if (this.state !== 'running') return
    this.state = 'draining'
    await this.#committing
    if (this.#isFailed()) return
    await this.#commit()
  }

  /** Lets go without committing; what was not committed is somebody else's to do again. */
  async close(): Promise<void> {
    if (this.state !== 'failed') this.state = 'closed'
    this.#closing.abort()
    clearTimeout(this.#timer)
    // Requests that wait for a broker fail at once; a commit among them counts as not known (W2).
    this.#producer.close()
    await Promise.allSettled([this.#initialising, this.#committing, this.#fetcher.close()])
    this.#countBytes(0)
    this.#producer.close()
  }

  #receive(fetched: FetchedRecords): void {
    const queue = this.#queues.get(`${fetched.topic}/${fetched.partition}`)
    if (queue === undefined) return
    try {
      this.task.push(queue, fetched)
    } catch (error) {
      this.#fail(error) // bytes that are no records: the fetcher must not see it
      return
    }
    this.#schedule()
  }

  /**
   * Retention has passed the position: the records are gone, so going on loses nothing more. A topic
   * that ends before the position is another one: reading it would take its records for new.
   */
  #skipLost({ topic, partition, offset }: TopicPartitionOffset): void {
    const { cluster } = this.#options
    const next = cluster.listOffset({ topic, partition }, 'earliest', {
      signal: this.#closing.signal,
    })
    next.then(
      (earliest) => {
        if (earliest < offset) {
          this.#fail(this.#endsBefore({ topic, partition, offset }))
          return
        }
        this.lostOffsets += Math.max(0, earliest - offset)
        const { name } = this.task.pipeline
        cluster.logger.error(
          { pipeline: name, topic, partition, offset, earliest },
          'Records expired before they were processed; going on at the first that exists',
        )
        this.#fetcher.seek({ topic, partition, offset: earliest })
      },
      (error: unknown) => {
        if (!this.#closing.signal.aborted) this.#fail(error)
      },
    )
  }

  #endsBefore({ topic, partition, offset }: TopicPartitionOffset): Error {
    const fact = `${topic}/${partition} was read up to offset ${offset} and ends before that now`
    const isOfOthers = Object.values(this.task.pipeline.raw).some((input) => input.topic === topic)
    // To be opened again: then it is read from its beginning (P3 in start-positions.ts).
    if (isOfOthers)
      return brokerError(OFFSET_OUT_OF_RANGE, `Offset ${offset} of ${topic}/${partition}`)
    return new RuntimeError(
      'TOPIC_RECREATED',
      `${fact}: the topic was made anew or has lost records; to process everything again, run the ` +
        'pipeline under a new application id',
    )
  }

  #schedule(): void {
    if (this.#scheduled || this.#awaitingSchema || this.state !== 'running') return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#work()
    })
  }

  #work(): void {
    if (this.state !== 'running' || this.#awaitingSchema) return
    const limitBytes = this.#uncommittedLimitBytes()
    if (this.#committing !== undefined && this.task.uncommittedBytes >= limitBytes) return // W3
    try {
      const outcome = this.task.run(RUN_RECORDS, limitBytes)
      this.#countBytes(this.#committingBytes + this.task.uncommittedBytes)
      if (outcome.kind === 'schema-missing') void this.#awaitSchema(outcome.schemaId)
      if (outcome.kind === 'more') this.#schedule()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#commitWhenDue()
  }

  /** W3 */
  #uncommittedLimitBytes(): number {
    return this.#options.memory.outputs.isSpent ? EARLY_COMMIT_BYTES : UNCOMMITTED_LIMIT_BYTES
  }

  #countBytes(bytes: number): void {
    const counted = this.#closing.signal.aborted ? 0 : bytes
    this.#options.memory.outputs.add(counted - this.#countedBytes)
    this.#countedBytes = counted
  }

  #isCommitLarge(): boolean {
    const { pendingBytes, uncommittedBytes } = this.task
    return pendingBytes > EARLY_COMMIT_BYTES || uncommittedBytes >= this.#uncommittedLimitBytes()
  }

  #commitWhenDue(): void {
    if (this.state !== 'running' || this.#committing !== undefined) return
    if (!this.task.hasUncommitted) return
    const waitMs = this.#lastCommitAtMs + this.#options.commitIntervalMs - performance.now()
    if (waitMs <= 0 || this.#isCommitLarge()) {
      void this.#commit()
      return
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#commitWhenDue()
    }, waitMs)
  }

  /** Never rejects. */
  async #commit(): Promise<void> {
    const uncommittedBytes = this.task.uncommittedBytes
    const commit = this.#takeCommit()
    if (commit === undefined) return
    this.#committingBytes = uncommittedBytes
    this.#lastCommitAtMs = performance.now()
    this.#committing = this.#send(commit)
    await this.#committing
    this.#committing = undefined
    this.#committingBytes = 0
    this.#countBytes(this.task.uncommittedBytes)
    this.#schedule()
    this.#commitWhenDue()
  }

  #takeCommit(): Commit | undefined {
    try {
      return this.task.takeCommit()
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  async #send(commit: Commit): Promise<void> {
    const startedAtMs = performance.now()
    const moved = commit.offsets.filter(
      ({ topic, partition, offset }) =>
        this.#committedOffsets.get(`${topic}/${partition}`) !== offset,
    )
    const { ticks } = commit
    const { member, groupId } = this.#options
    try {
      const group = member.session
      if (group === undefined) {
        throw new KafkaError('NOT_A_MEMBER', `Not a member of group ${groupId} any more`)
      }
      await this.#producer.commit({
        batches: batchesOf(commit.outputs),
        trailing: ticks && { ...ticks, batches: (endOf) => batchesOf(ticks.encode(endOf)) }, // W4
        offsets: moved,
        group,
        groupAfter: (refused) => member.sessionAfter(refused),
      })
      for (const { topic, partition, offset } of moved) {
        this.#committedOffsets.set(`${topic}/${partition}`, offset)
      }
      this.task.recycle(commit)
      this.commitTimes.add(performance.now() - startedAtMs)
    } catch (error) {
      this.#fail(error) // W2
    }
  }

  /** The registry decides what a record is: until it answers, the partition waits. */
  async #awaitSchema(id: number): Promise<void> {
    this.#awaitingSchema = true
    this.#noteWaiting(id)
    const { signal } = this.#closing
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#options.registry.lookUp(id)
        break
      } catch (error) {
        if (attempt === 0) {
          const { name } = this.task.pipeline
          this.#options.cluster.logger.warn(
            { pipeline: name, partition: this.task.partition, schemaId: id, error: String(error) },
            'Waiting for the schema registry',
          )
        }
        await sleep(backOffMs(attempt, REGISTRY_BACK_OFF_MS, REGISTRY_MAX_BACK_OFF_MS), signal)
      }
    }
    this.#awaitingSchema = false
    this.#noteWaiting(undefined)
    this.#schedule()
  }

  #noteWaiting(schemaId: number | undefined): void {
    this.waitingFor = schemaId === undefined ? undefined : `schema ${schemaId} of the registry`
  }

  #isFailed(): boolean {
    return this.state === 'failed'
  }

  #fail(error: unknown): void {
    if (this.state === 'failed' || this.state === 'closed') return
    this.state = 'failed'
    clearTimeout(this.#timer)
    this.#options.onFailed(error)
  }
}

const batchesOf = (outputs: readonly PartitionOutput[]): OutputBatches[] =>
  outputs.map(({ topic, partition, batches }) => ({ topic, partition, builders: batches }))

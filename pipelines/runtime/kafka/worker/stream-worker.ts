/**
 * A pipeline in a process: a member of its consumer group that runs the tasks it is given.
 *
 * - S1: before a rebalance every task is drained and committed under the old generation; tasks that
 *   stay go on with their state, the others are closed.
 * - S2: when the group went on without us, everything is dropped uncommitted: it is not ours.
 * - S3: a task whose commit failed is opened again from what is committed, with back-off. A bug in
 *   the pipeline stops its task for good and says so: the data stays where it is.
 */

import { RuntimeError, textOf } from '../../errors.ts'
import { Task } from '../../task/task.ts'
import type { Pipeline } from '../../topology/define-pipeline.ts'
import { internalTopics } from '../../topology/internal-topics.ts'
import { taskInputs } from '../../task/task-inputs.ts'
import { BROKER_BATCH_BYTES } from '../../task/output-buffers.ts'
import { KafkaAdmin } from '../admin.ts'
import type { KafkaCluster } from '../cluster.ts'
import { GroupMember, type TaskSpec } from '../group-member.ts'
import type { SchemaRegistryClient } from '../registry.ts'
import { backOffMs, sleep } from '../retry.ts'
import { TransactionError, type TransactionStage } from '../transactional-producer.ts'
import { createTaskMemory, type TaskMemory } from './task-memory.ts'
import { TaskRunner } from './task-runner.ts'

export interface StreamWorkerOptions {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly pipeline: Pipeline
  /** Prefix of group and transactional ids; the same for all workers that share the work. */
  readonly applicationId: string
  /** Ids of registered schemas by topic: outputs and internal topics. */
  readonly schemaIds: ReadonlyMap<string, number>
  /** Give all workers of a process the same. */
  readonly memory?: TaskMemory
  readonly commitIntervalMs?: number
  readonly transactionTimeoutMs?: number
  readonly sessionTimeoutMs?: number
  /** The worker cannot go on: refused by the group for good, or misconfigured. */
  readonly onFailure: (error: Error) => void
  readonly onStage?: (stage: TransactionStage) => Promise<void> | void
}

export interface TaskStatus {
  readonly partition: number
  readonly runner: TaskRunner
  /** Why the task has stopped for good. */
  readonly error: string | undefined
}

interface OwnedTask {
  readonly partition: number
  runner: TaskRunner
  failures: number
  /** What it is opened again after. */
  lastFailure: string
  error: string | undefined
}

const DEFAULT_COMMIT_INTERVAL_MS = 100
/**
 * Longer than a heartbeat interval. Whoever was fenced has probably lost its membership and is told
 * so by the next heartbeat; taking the transactional id back before would fence the rightful owner.
 */
const FENCED_PAUSE_MS = 5_000
/** A commit takes milliseconds; a dead worker's open transaction should not block readers long. */
const DEFAULT_TRANSACTION_TIMEOUT_MS = 30_000

export class StreamWorker {
  readonly pipeline: Pipeline
  readonly #options: StreamWorkerOptions
  readonly #groupId: string
  readonly #owned = new Map<string, OwnedTask>()
  readonly #stopping = new AbortController()
  #member: GroupMember | undefined
  #partitions = 0
  /** From the drain until the next assignment: nothing may begin to run. */
  #rebalancing = false
  readonly #partitionCounts = new Map<string, number>()
  readonly #memory: TaskMemory
  #maxBatchBytes: ReadonlyMap<string, number> = new Map()

  constructor(options: StreamWorkerOptions) {
    this.#options = options
    this.pipeline = options.pipeline
    this.#memory = options.memory ?? createTaskMemory()
    this.#groupId = `${options.applicationId}.${options.pipeline.name}`
  }

  /** Checks the topics and joins the group; tasks start when the group assigns them. */
  async start(): Promise<void> {
    await this.#readPartitionCounts()
    this.#maxBatchBytes = await this.#readBatchLimits()
    const { cluster, sessionTimeoutMs } = this.#options
    const topics = [...new Set(this.#inputsOf(0).map(({ topic }) => topic))]
    this.#member = new GroupMember({
      cluster,
      groupId: this.#groupId,
      topics,
      listTasks: () => this.#listTasks(),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      onRevoke: () => this.#drain(),
      onAssign: (ids) => this.#take(ids),
      onLost: () => this.#dropAll(),
      onFailure: this.#options.onFailure,
    })
    this.#member.start()
  }

  /** Drains, commits, leaves the group. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#member?.close()
    await this.#dropAll()
  }

  get tasks(): readonly TaskStatus[] {
    return [...this.#owned.values()]
  }

  /** True, or why the worker is not doing its work. */
  readiness(): true | string {
    const { name } = this.pipeline
    const state = this.#member?.state ?? 'idle'
    if (state === 'stopped') return `${name}: has left its group`
    const broken = [...this.#owned.values()].find(({ error }) => error !== undefined)
    if (broken) return `${name}/${broken.partition}: ${broken.error ?? ''}`
    if (state !== 'stable') return `${name}: joining its group`
    const failed = [...this.#owned.values()].find(({ runner }) => runner.state === 'failed')
    if (failed) return `${name}/${failed.partition}: trying again after: ${failed.lastFailure}`
    const opening = [...this.#owned.values()].find(({ runner }) => runner.state === 'opening')
    if (opening) {
      const { restoredRecords, totalRecords } = opening.runner.restore
      return `${name}/${opening.partition}: restoring state, ${restoredRecords} of ${totalRecords} records`
    }
    return true
  }

  async #readPartitionCounts(): Promise<void> {
    const { cluster, pipeline } = this.#options
    const sources = Object.values(pipeline.inputs).map(({ topic }) => topic.name)
    const others = [
      ...Object.values(pipeline.globals).map(({ topic }) => topic.name),
      ...Object.values(pipeline.outputs).map(({ name }) => name),
      ...internalTopics(pipeline).map(({ name }) => name),
    ]
    for (const topic of [...sources, ...others]) {
      this.#partitionCounts.set(topic, await cluster.partitionCount(topic))
    }
    this.#partitions = this.#partitionsOf(sources[0] ?? '')
    for (const topic of [...sources, ...internalTopics(pipeline).map(({ name }) => name)]) {
      const found = this.#partitionsOf(topic)
      if (found === this.#partitions) continue
      throw new RuntimeError(
        'TOPOLOGY_PARTITIONS_CHANGED',
        `Pipeline '${pipeline.name}' needs ${this.#partitions} partitions of '${topic}', as '${sources[0] ?? ''}' has, ` +
          `but finds ${found}; create the topic with that many, or run under another application id`,
      )
    }
  }

  /** `max.message.bytes` of the topics written to, where we may read settings. */
  async #readBatchLimits(): Promise<ReadonlyMap<string, number>> {
    const { cluster, pipeline } = this.#options
    const topics = [...Object.values(pipeline.outputs), ...internalTopics(pipeline)]
    try {
      const described = await new KafkaAdmin(cluster).describeConfigs(
        topics.map(({ name }) => name),
      )
      return new Map(
        [...described].map(([topic, configs]) => {
          const limit = configs.find(({ name }) => name === 'max.message.bytes')
          return [topic, Number(limit?.value ?? BROKER_BATCH_BYTES)]
        }),
      )
    } catch (error) {
      cluster.logger.warn(
        { error: textOf(error) },
        'Cannot read settings of topics: taking defaults',
      )
      return new Map()
    }
  }

  #partitionsOf(topic: string): number {
    const count = this.#partitionCounts.get(topic)
    if (count === undefined) {
      throw new RuntimeError(
        'TOPOLOGY_INVALID',
        `Partition count of '${topic}' was not read at start`,
      )
    }
    return count
  }

  #inputsOf(partition: number): ReturnType<typeof taskInputs> {
    const partitionsOf = (topic: string): number => this.#partitionsOf(topic)
    return taskInputs(this.pipeline, { partition, partitionsOf })
  }

  #listTasks(): TaskSpec[] {
    return Array.from({ length: this.#partitions }, (_, partition) => ({
      id: this.#taskId(partition),
      partitions: this.#inputsOf(partition).filter(({ kind }) => kind !== 'global'),
    }))
  }

  #taskId(partition: number): string {
    return `${this.pipeline.name}/${partition}`
  }

  /** S1 */
  async #drain(): Promise<void> {
    this.#rebalancing = true
    await Promise.all([...this.#owned.values()].map(({ runner }) => runner.drain()))
  }

  async #take(ids: readonly string[]): Promise<void> {
    const gone = [...this.#owned].filter(([id]) => !ids.includes(id))
    for (const [id] of gone) this.#owned.delete(id)
    await Promise.all(gone.map(([, { runner }]) => runner.close()))
    this.#rebalancing = false
    for (const { runner } of this.#owned.values()) runner.resume()
    for (let partition = 0; partition < this.#partitions; partition++) {
      const id = this.#taskId(partition)
      if (!ids.includes(id) || this.#owned.has(id)) continue
      const owned: OwnedTask = {
        partition,
        failures: 0,
        lastFailure: '',
        error: undefined,
        runner: this.#createRunner(id, partition),
      }
      this.#owned.set(id, owned)
      void owned.runner.open()
    }
  }

  /** S2 */
  async #dropAll(): Promise<void> {
    this.#rebalancing = false
    const dropped = [...this.#owned.values()]
    this.#owned.clear()
    await Promise.all(dropped.map(({ runner }) => runner.close()))
  }

  #createRunner(id: string, partition: number): TaskRunner {
    const { cluster, registry, pipeline, applicationId, schemaIds, onStage } = this.#options
    const runner: TaskRunner = new TaskRunner({
      cluster,
      registry,
      groupId: this.#groupId,
      transactionalId: `${applicationId}.${pipeline.name}.${partition}`,
      partitions: this.#partitions,
      memory: this.#memory,
      commitIntervalMs: this.#options.commitIntervalMs ?? DEFAULT_COMMIT_INTERVAL_MS,
      transactionTimeoutMs: this.#options.transactionTimeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS,
      createTask: () =>
        new Task({
          pipeline,
          partition,
          partitions: this.#partitions,
          schemas: registry,
          settings: {
            partitionsOf: (topic) => this.#partitionsOf(topic),
            schemaIdOf: (topic) => schemaIdIn(schemaIds, topic),
            maxBatchBytesOf: (topic) => this.#maxBatchBytes.get(topic) ?? BROKER_BATCH_BYTES,
          },
        }),
      session: () =>
        this.#member?.session ?? { groupId: this.#groupId, memberId: '', generationId: -1 },
      onFailed: (error) => {
        void this.#recover(id, runner, error)
      },
      onStage,
    })
    return runner
  }

  /** S3 */
  async #recover(id: string, runner: TaskRunner, error: unknown): Promise<void> {
    const owned = this.#owned.get(id)
    await runner.close()
    if (owned?.runner !== runner || this.#stopping.signal.aborted) return
    const message = textOf(error)
    owned.lastFailure = message
    const { logger } = this.#options.cluster
    if (error instanceof RuntimeError || isTooLarge(error)) {
      owned.error = message
      logger.error({ task: id, code: error.code, err: error }, `Task ${id} has stopped: ${message}`)
      return
    }
    logger.warn(
      { task: id, error: message },
      'Task failed; opening it again from what is committed',
    )
    if (runner.commitTimes.count > 0) owned.failures = 0
    const pauseMs = isFenced(error) ? FENCED_PAUSE_MS : backOffMs(owned.failures++, 50, 5_000)
    await sleep(pauseMs, this.#stopping.signal)
    if (this.#owned.get(id) !== owned || this.#stopping.signal.aborted) return
    owned.runner = this.#createRunner(id, owned.partition)
    if (this.#rebalancing) void owned.runner.drain()
    void owned.runner.open()
  }
}

const schemaIdIn = (schemaIds: ReadonlyMap<string, number>, topic: string): number => {
  const id = schemaIds.get(topic)
  if (id === undefined) {
    throw new RuntimeError(
      'TOPOLOGY_INVALID',
      `The schema of topic '${topic}' is not registered; run \`millrace topics apply\``,
    )
  }
  return id
}

/** The same output again would be refused again: somebody has to raise a limit, or mend the pipeline. */
const isTooLarge = (error: unknown): error is TransactionError =>
  error instanceof TransactionError && TOO_LARGE.has(error.code)
const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

const isFenced = (error: unknown): boolean => error instanceof TransactionError && error.fenced

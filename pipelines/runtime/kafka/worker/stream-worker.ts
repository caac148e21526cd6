/**
 * A pipeline in a process: a member of its consumer group that runs the tasks it is given.
 *
 * - S1: a rebalance does not touch tasks that stay: they run and commit on. One that is to go is
 *   drained and committed before it is let go; a new one is opened in the background.
 * - S2: when the group went on without us, everything is dropped uncommitted: it is not ours.
 * - S3: a task whose commit failed is opened again from what is committed, with back-off, when the
 *   group has confirmed that it is still ours (G4). A bug in the pipeline stops its task for good
 *   and says so: the data stays where it is.
 * - S4: partition counts that change stop the worker: keys would be in other partitions than their
 *   state, and new partitions would be read by nobody.
 * - S5: topics of others that come, grow, go or are made anew are no reason to stop: tasks are drained
 *   and opened again with the partitions that there are.
 */

import { RuntimeError, textOf } from '../../errors.ts'
import { Task } from '../../task/task.ts'
import type { Pipeline } from '../../topology/define-pipeline.ts'
import { taskInputs } from '../../task/task-inputs.ts'
import { BROKER_BATCH_BYTES } from '../../task/output-buffers.ts'
import type { KafkaCluster } from '../cluster.ts'
import { GroupMember, type TaskSpec } from '../group-member.ts'
import type { SchemaRegistryClient } from '../registry.ts'
import { backOffMs, sleep } from '../retry.ts'
import { TransactionError, type TransactionStage } from '../transactional-producer.ts'
import { readBatchLimits } from './batch-limits.ts'
import { PartitionCounts } from './partition-counts.ts'
import { createTaskMemory, type TaskMemory } from './task-memory.ts'
import { TaskRunner, type RunnerState } from './task-runner.ts'
import { Turns } from './turns.ts'

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
  /** How often partition counts are looked at (default 10 s). */
  readonly partitionsEveryMs?: number
  /** The worker cannot go on: refused by the group for good, or misconfigured. */
  readonly onFailure: (error: Error) => void
  readonly onStage?: (stage: TransactionStage) => Promise<void> | void
}

/** `waiting` for something outside, `retrying` after a failure, `stopped` for good. */
export type TaskState = RunnerState | 'waiting' | 'retrying' | 'stopped'

export interface TaskStatus {
  readonly partition: number
  readonly runner: TaskRunner
  readonly state: TaskState
  /** Why the task has stopped for good. */
  readonly error: string | undefined
}

/** Who gives the tasks, and how many there are. */
interface TaskGroup {
  readonly member: GroupMember
  readonly partitions: PartitionCounts
}

interface NewTask {
  readonly id: string
  readonly partition: number
  readonly group: TaskGroup
}

interface OwnedTask {
  readonly partition: number
  readonly group: TaskGroup
  runner: TaskRunner
  failures: number
  /** What it is opened again after. */
  lastFailure: string
  error: string | undefined
}

const DEFAULT_COMMIT_INTERVAL_MS = 100
/** A commit takes milliseconds; a dead worker's open transaction should not block readers long. */
const DEFAULT_TRANSACTION_TIMEOUT_MS = 30_000
/**
 * Two keep both the network and the processor busy; more would only make the first task wait for
 * the last one, and take turns with tasks that run.
 */
const RESTORES_AT_ONCE = 2
const PARTITIONS_EVERY_MS = 10_000

export class StreamWorker {
  readonly pipeline: Pipeline
  readonly #options: StreamWorkerOptions
  readonly #groupId: string
  readonly #owned = new Map<string, OwnedTask>()
  readonly #stopping = new AbortController()
  readonly #restores = new Turns(RESTORES_AT_ONCE)
  #member: GroupMember | undefined
  #partitions: PartitionCounts | undefined
  readonly #memory: TaskMemory
  #maxBatchBytes: ReadonlyMap<string, number> = new Map()
  #partitionCheck: NodeJS.Timeout | undefined

  constructor(options: StreamWorkerOptions) {
    this.#options = options
    this.pipeline = options.pipeline
    this.#memory = options.memory ?? createTaskMemory()
    this.#groupId = `${options.applicationId}.${options.pipeline.name}`
  }

  /** Checks the topics and joins the group; tasks start when the group assigns them. */
  async start(): Promise<void> {
    const { cluster, sessionTimeoutMs } = this.#options
    this.#maxBatchBytes = await readBatchLimits(cluster, this.pipeline)
    const partitions = await PartitionCounts.read(cluster, this.pipeline)
    const inputs = this.#listTasks(partitions).flatMap((task) => task.partitions)
    const topicsOfOthers = Object.values(this.pipeline.raw).map(({ topic }) => topic)
    const member: GroupMember = new GroupMember({
      cluster,
      groupId: this.#groupId,
      topics: [...new Set([...inputs.map(({ topic }) => topic), ...topicsOfOthers])],
      listTasks: () => this.#listTasks(partitions),
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      onAssign: (ids) => {
        this.#take(ids, { member, partitions })
        return Promise.resolve()
      },
      onRevoke: (ids) => this.#release(ids),
      onLost: () => this.#dropAll(),
      onFailure: (error) => {
        void this.#dropAll()
        this.#options.onFailure(error)
      },
    })
    this.#member = member
    this.#partitions = partitions
    this.#noteMissing(partitions)
    member.start()
    this.#partitionCheck = setInterval(() => {
      void this.#checkPartitions(partitions)
    }, this.#options.partitionsEveryMs ?? PARTITIONS_EVERY_MS)
  }

  /** Drains, commits, leaves the group. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#partitionCheck)
    await this.#member?.close()
    await this.#dropAll()
  }

  get tasks(): readonly TaskStatus[] {
    return [...this.#owned.values()].map((owned) => ({ ...owned, state: stateOf(owned) }))
  }

  /** True, or why the worker is not doing its work. */
  readiness(): true | string {
    const { name } = this.pipeline
    const state = this.#member?.state ?? 'idle'
    if (state === 'stopped') return `${name}: has left its group`
    const broken = [...this.#owned.values()].find(({ error }) => error !== undefined)
    if (broken) return `${name}/${broken.partition}: ${broken.error ?? ''}`
    if (state === 'idle' || state === 'joining') return `${name}: joining its group`
    for (const owned of this.#owned.values()) {
      const trouble = troubleOf(owned)
      if (trouble !== undefined) return `${name}/${owned.partition}: ${trouble}`
    }
    return true
  }

  #listTasks(partitions: PartitionCounts): TaskSpec[] {
    const partitionsOf = (topic: string): number => partitions.of(topic)
    return Array.from({ length: partitions.tasks }, (_, partition) => ({
      id: this.#taskId(partition),
      partitions: taskInputs(this.pipeline, {
        partition,
        partitions: partitions.tasks,
        partitionsOf,
      }).filter(({ kind }) => kind !== 'global'),
    }))
  }

  #taskId(partition: number): string {
    return `${this.pipeline.name}/${partition}`
  }

  /** Topics of others, which may have no partitions: what does not exist is waited for. */
  get foreignTopics(): PartitionCounts['foreign'] {
    return this.#partitions?.foreign ?? []
  }

  /** S4, S5 */
  async #checkPartitions(partitions: PartitionCounts): Promise<void> {
    const { cluster, onFailure } = this.#options
    try {
      if (!(await partitions.checkAgain(cluster))) return
      this.#noteMissing(partitions)
      await Promise.all([...this.#owned].map(([id, owned]) => this.#reopen(id, owned)))
    } catch (error) {
      if (!(error instanceof RuntimeError) || this.#stopping.signal.aborted) return
      await this.stop()
      onFailure(error)
    }
  }

  #noteMissing({ foreign }: PartitionCounts): void {
    const missing = foreign.filter(({ partitions }) => partitions === 0).map(({ topic }) => topic)
    if (missing.length === 0) return
    const { logger } = this.#options.cluster
    logger.warn(
      { pipeline: this.pipeline.name, topics: missing },
      'Topics to read do not exist yet',
    )
  }

  /** S5 */
  async #reopen(id: string, owned: OwnedTask): Promise<void> {
    const { runner, partition, group } = owned
    if (owned.error !== undefined) return
    await runner.drain()
    await runner.close()
    if (this.#owned.get(id) !== owned || owned.runner !== runner) return
    if (this.#stopping.signal.aborted) return
    owned.runner = this.#createRunner({ id, partition, group })
    void owned.runner.open()
  }

  #take(ids: readonly string[], group: TaskGroup): void {
    for (let partition = 0; partition < group.partitions.tasks; partition++) {
      const id = this.#taskId(partition)
      if (!ids.includes(id)) continue
      const runner = this.#createRunner({ id, partition, group })
      const owned = { partition, group, failures: 0, lastFailure: '', error: undefined, runner }
      this.#owned.set(id, owned)
      void runner.open()
    }
  }

  /** S1; no longer owned, so that a commit that fails now is left to whoever comes next. */
  async #release(ids: readonly string[]): Promise<void> {
    const released = ids.flatMap((id) => this.#owned.get(id)?.runner ?? [])
    for (const id of ids) this.#owned.delete(id)
    await Promise.all(
      released.map(async (runner) => {
        await runner.drain()
        await runner.close()
      }),
    )
  }

  /** S2 */
  async #dropAll(): Promise<void> {
    const dropped = [...this.#owned.values()]
    this.#owned.clear()
    await Promise.all(dropped.map(({ runner }) => runner.close()))
  }

  #createRunner({ id, partition, group }: NewTask): TaskRunner {
    const { cluster, registry, pipeline, applicationId, schemaIds, onStage } = this.#options
    const { member, partitions } = group
    const runner: TaskRunner = new TaskRunner({
      cluster,
      registry,
      groupId: this.#groupId,
      transactionalId: `${applicationId}.${pipeline.name}.${partition}`,
      partitions: partitions.tasks,
      memory: this.#memory,
      commitIntervalMs: this.#options.commitIntervalMs ?? DEFAULT_COMMIT_INTERVAL_MS,
      transactionTimeoutMs: this.#options.transactionTimeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS,
      createTask: () =>
        new Task({
          pipeline,
          partition,
          partitions: partitions.tasks,
          schemas: registry,
          settings: {
            partitionsOf: (topic) => partitions.of(topic),
            schemaIdOf: (topic) => schemaIdIn(schemaIds, topic),
            maxBatchBytesOf: (topic) => this.#maxBatchBytes.get(topic) ?? BROKER_BATCH_BYTES,
          },
        }),
      member,
      restores: this.#restores,
      onFailed: (error) => {
        void this.#recover(id, runner, error)
      },
      onStage,
    })
    return runner
  }

  /** S3 */
  async #recover(id: string, runner: TaskRunner, error: unknown): Promise<void> {
    const failedAtMs = performance.now()
    await runner.close()
    const owned = this.#owned.get(id)
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
    await sleep(backOffMs(owned.failures++, 50, 5_000), this.#stopping.signal)
    const { partition, group } = owned
    const isMember = await group.member.confirmedSince(failedAtMs)
    if (!isMember || this.#owned.get(id) !== owned || this.#stopping.signal.aborted) return
    owned.runner = this.#createRunner({ id, partition, group })
    void owned.runner.open()
  }
}

const stateOf = ({ error, runner }: OwnedTask): TaskState => {
  if (error !== undefined) return 'stopped'
  if (runner.state === 'failed') return 'retrying'
  return runner.waitingFor === undefined ? runner.state : 'waiting'
}

/** Why a task does not process; undefined when it does. */
const troubleOf = (owned: OwnedTask): string | undefined => {
  const { runner, error, lastFailure } = owned
  const { restoredRecords, totalRecords } = runner.restore
  switch (stateOf(owned)) {
    case 'stopped':
      return error
    case 'retrying':
      return `trying again after: ${lastFailure}`
    case 'waiting':
      return `waiting for ${runner.waitingFor ?? ''}`
    case 'opening':
      return `restoring state, ${restoredRecords} of ${totalRecords} records`
    default:
      return undefined
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

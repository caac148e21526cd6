/**
 * The sink of one process: its share of the partitions of all sunk topics.
 *
 * Members of a Kafka consumer group share the partitions. Ownership is for economy only: that no
 * row is lost or doubled when two believe they own one is the business of the block protocol. So
 * nothing is drained in a rebalance; kept partitions run on, moved ones stop at the next assignment.
 *
 * Positions come from sink_blocks. Offsets are committed to Kafka, too, so that its tools show lag.
 */
import type { Limiter } from '../shared/limiter.ts'
import {
  ByteBudget,
  GroupMember,
  Fetcher,
  KafkaAdmin,
} from '../../pipelines/runtime/kafka/index.ts'
import type {
  FetchedRecords,
  IdempotentProducer,
  KafkaCluster,
  TaskSpec,
  TopicPartition,
} from '../../pipelines/runtime/kafka/index.ts'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { retry } from '../shared/retry.ts'
import type { BlockLimits } from './block-draft.ts'
import { nameOf } from './block.ts'
import type { ClickHouseBlockStore } from './clickhouse-block-store.ts'
import { deadLettersTo } from './dead-letters.ts'
import { TopicGuard } from './kafka-partition.ts'
import type { SinkMetrics } from './metrics.ts'
import { meteredStore } from './metered-store.ts'
import { PartitionSink, type PartitionObserver, type Persist } from './partition-sink.ts'
import { RETENTION_WARNING_RATIO, retentionUsed, type RetentionLimits } from './retention-watch.ts'
import type { SinkTable } from './tables.ts'
import { TopicRows, type WriterSchemas } from './topic-rows.ts'
import { WriterPool } from './writer-pool.ts'

export interface SinkOptions {
  readonly cluster: KafkaCluster
  readonly producer: IdempotentProducer
  readonly schemas: WriterSchemas
  readonly store: ClickHouseBlockStore
  readonly inserts: Limiter
  readonly tables: readonly SinkTable[]
  readonly groupId: string
  readonly deadLetterTopic: string
  readonly limits: BlockLimits
  readonly metrics: SinkMetrics
  readonly logger: Logger
  readonly sessionTimeoutMs?: number
  /** The group cannot be worked in, for good: the process should end. */
  readonly onFailure: (error: Error) => void
}

const DRAFT_BUDGET_BYTES = 48 * 1024 * 1024
const IDLE_WRITERS = 4
/** A full block, in a buffer that grew by doubling. */
const IDLE_WRITER_BYTES = 8 * 1024 * 1024
const FETCH_BUDGET_BYTES = 24 * 1024 * 1024
const PARTITION_FETCH_BYTES = 2 * 1024 * 1024
const STOP_GRACE_MS = 8_000
const WATCH_EVERY_MS = 5_000
const TASKS_EVERY_MS = 10_000
const MAX_PAUSE_MS = 5_000

export class Sink {
  readonly #options: SinkOptions
  readonly #tables: ReadonlyMap<string, SinkTable>
  readonly #topicRows: ReadonlyMap<string, TopicRows>
  readonly #fetcher: Fetcher
  readonly #guard: TopicGuard
  readonly #writers = new WriterPool({
    budgetBytes: DRAFT_BUDGET_BYTES,
    idle: IDLE_WRITERS,
    idleBytes: IDLE_WRITER_BYTES,
  })
  readonly #partitions = new Map<string, PartitionSink>()
  readonly #troubles = new Map<string, string>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #warned = new Set<string>()
  #retention = new Map<string, RetentionLimits>()
  readonly #member: GroupMember
  /** How many tasks there were when they were looked at last. */
  #taskCount: number | undefined
  #isAssigned = false
  #isStopping = false

  constructor(options: SinkOptions) {
    this.#options = options
    this.#tables = new Map(options.tables.map((table) => [table.topic.name, table]))
    this.#topicRows = new Map(
      options.tables.map((table) => [table.topic.name, new TopicRows(table, options.schemas)]),
    )
    this.#guard = new TopicGuard(options.cluster)
    this.#fetcher = this.#newFetcher()
    this.#member = this.#newMember()
  }

  start(): void {
    this.#member.start()
    this.#every(WATCH_EVERY_MS, () => this.#watch())
    this.#every(TASKS_EVERY_MS, () => this.#lookForTasks())
  }

  /** `true`, or what it waits for. */
  ready(): true | string {
    const [trouble] = this.#troubles.values()
    if (trouble !== undefined) return trouble
    if (!this.#isAssigned) return 'waiting for its share of the partitions'
    for (const { progress, name } of this.#partitions.values()) {
      if (progress.committed === undefined) return `${name} is being opened`
    }
    return true
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#stopPartitions([...this.#partitions.keys()], STOP_GRACE_MS)
    await this.#commitOffsets()
    await this.#member.close()
    await this.#fetcher.close()
  }

  // --- the group ------------------------------------------------------------------------------

  #newMember(): GroupMember {
    const { cluster, groupId, sessionTimeoutMs, onFailure } = this.#options
    return new GroupMember({
      cluster,
      groupId,
      topics: [...this.#tables.keys()],
      ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
      listTasks: () => this.#listTasks(),
      onRevoke: (tasks) => this.#stopPartitions(tasks, STOP_GRACE_MS),
      onAssign: (tasks) => this.#assign(tasks),
      onLost: () => this.#stopPartitions([...this.#partitions.keys()], 0),
      onFailure,
    })
  }

  async #listTasks(): Promise<TaskSpec[]> {
    const known = await this.#options.cluster.metadata([...this.#tables.keys()])
    const topics = known.filter(({ errorCode }) => errorCode === 0)
    const most = Math.max(0, ...topics.map(({ partitions }) => partitions.length))
    // All topics' first partitions, then all second ones: members get a share of every topic.
    const tasks = Array.from({ length: most }, (_, partition) =>
      topics
        .filter(({ partitions }) => partition < partitions.length)
        .map(({ topic }) => ({
          id: `${topic}/${String(partition)}`,
          partitions: [{ topic, partition }],
        })),
    ).flat()
    return tasks
  }

  async #assign(tasks: readonly string[]): Promise<void> {
    if (this.#isStopping) return
    for (const task of tasks) this.#startPartition(task)
    this.#isAssigned = true
    this.#taskCount ??= await this.#listTasks().then(
      ({ length }) => length,
      () => undefined,
    )
    this.#options.logger.info(
      { added: tasks.length, partitions: this.#partitions.size },
      'Partitions assigned',
    )
    await this.#readRetention()
  }

  #startPartition(task: string): void {
    const cut = task.lastIndexOf('/')
    const origin = { topic: task.slice(0, cut), partition: Number(task.slice(cut + 1)) }
    const topicRows = this.#topicRows.get(origin.topic)
    if (topicRows === undefined) return // assigned by a newer sink that knows more topics
    const { cluster, store, limits, deadLetterTopic, producer, metrics, inserts } = this.#options
    const sink = new PartitionSink({
      ...origin,
      cluster,
      guard: this.#guard,
      store: meteredStore(store, { metrics, inserts }),
      formerTopics: (id) => store.formerTopics(id),
      topicRows,
      deadLetters: deadLettersTo(producer, deadLetterTopic),
      writers: this.#writers,
      limits,
      persist: this.#persist,
      observer: this.#observer,
      fetchFrom: (offset) => {
        this.#fetcher.assign([{ ...origin, offset }])
      },
      stopFetching: () => {
        this.#fetcher.unassign([origin])
      },
      nowMs: Date.now,
    })
    this.#partitions.set(task, sink)
    void sink.run()
  }

  async #stopPartitions(names: readonly string[], graceMs: number): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const sink = this.#partitions.get(name)
        this.#partitions.delete(name)
        this.#troubles.delete(name)
        await sink?.stop(graceMs)
        if (sink !== undefined) this.#forgetGauges(sink.origin)
      }),
    )
  }

  /** Topics and partitions that were made since: only a rebalance deals them out. */
  async #lookForTasks(): Promise<void> {
    const before = this.#taskCount
    const now = (await this.#listTasks()).length
    this.#taskCount = now
    if (
      before === undefined ||
      now === before ||
      this.#isStopping ||
      this.#member.state !== 'stable'
    )
      return
    this.#options.logger.info({ before, now }, 'The partitions have changed, dealing them again')
    this.#member.rejoin()
  }

  // --- the stream -----------------------------------------------------------------------------

  #newFetcher(): Fetcher {
    const sinkOf = ({ topic, partition }: TopicPartition) =>
      this.#partitions.get(`${topic}/${String(partition)}`)
    return new Fetcher({
      cluster: this.#options.cluster,
      name: 'sink',
      budget: new ByteBudget(FETCH_BUDGET_BYTES),
      partitionBufferBytes: PARTITION_FETCH_BYTES,
      onRecords: (fetched: FetchedRecords) => {
        const sink = sinkOf(fetched)
        if (sink === undefined) fetched.release()
        else sink.push(fetched)
      },
      onOffsetOutOfRange: (position) => sinkOf(position)?.outOfRange(),
      onError: (partition, error) => sinkOf(partition)?.fail(error),
    })
  }

  /** Waits for servers as long as it takes; a bug ends the waiting and stops the partition. */
  readonly #persist: Persist = async ({ step, name, signal }, attempt) => {
    const result = await retry({
      what: `${step} of ${name}`,
      attempt,
      signal,
      maxMs: MAX_PAUSE_MS,
      isRetryable: isOperational,
      onRetry: ({ error, attempt: tries }) => {
        this.#options.metrics.retries.inc({ step })
        this.#trouble(name, `${name} waits: ${messageOf(error)}`, tries)
      },
    })
    if (this.#troubles.delete(name)) this.#options.logger.info(`${name} goes on`)
    return result
  }

  #trouble(name: string, text: string, tries: number): void {
    // The first failure, then a reminder now and then: an outage must not fill the log.
    if (tries === 1 || tries % 20 === 0) this.#options.logger.warn({ tries }, text)
    this.#troubles.set(name, text)
  }

  readonly #observer: PartitionObserver = {
    rowsCommitted: (topic, { rows, sizeBytes, commitMs }) => {
      const { metrics } = this.#options
      metrics.rows.inc({ topic }, rows)
      metrics.blocks.inc({ topic })
      metrics.bytes.inc({ topic }, sizeBytes)
      metrics.commitSeconds.observe({ topic }, commitMs / 1000)
    },
    deadLettered: (topic, reason) => {
      this.#options.metrics.deadLetters.inc({ topic, reason })
    },
    gapFound: (gap) => {
      const { metrics, logger } = this.#options
      metrics.gaps.inc({ topic: gap.id.topic, kind: gap.kind })
      const until = gap.toOffset === null ? 'an unknown end' : String(gap.toOffset)
      logger.error(
        { gap },
        `Rows of ${nameOf(gap.id)} are missing from offset ${String(gap.fromOffset)} to ${until}: ${gap.detail}`,
      )
    },
    warn: (message) => {
      this.#options.logger.warn(message)
    },
    partitionFailed: (name, error) => {
      this.#options.logger.error({ err: error }, `${name} stands still: ${messageOf(error)}`)
      this.#troubles.set(name, `${name} stands still: ${messageOf(error)}`)
    },
    partitionWorks: (name) => {
      this.#troubles.delete(name)
    },
  }

  // --- watching -------------------------------------------------------------------------------

  async #watch(): Promise<void> {
    const { metrics } = this.#options
    metrics.bufferedBytes.set(this.#fetcher.bufferedBytes)
    for (const { progress, origin } of this.#partitions.values()) {
      const labels = { topic: origin.topic, partition: String(origin.partition) }
      const { committed, highWatermark, oldestAppendMs } = progress
      metrics.lag.set(labels, committed === undefined ? 0 : Math.max(0, highWatermark - committed))
      const delayMs = oldestAppendMs === undefined ? 0 : Math.max(0, Date.now() - oldestAppendMs)
      metrics.delay.set(labels, delayMs / 1000)
      const limits = this.#retention.get(origin.topic) ?? { ms: -1, bytes: -1 }
      const used = retentionUsed(progress, limits, Date.now())
      metrics.retentionUsed.set(labels, used)
      this.#warnOfRetention(`${origin.topic}/${String(origin.partition)}`, used)
    }
    await this.#commitOffsets()
  }

  #warnOfRetention(name: string, used: number): void {
    if (used < RETENTION_WARNING_RATIO) {
      this.#warned.delete(name)
    } else if (!this.#warned.has(name)) {
      this.#warned.add(name)
      const percent = String(Math.round(used * 100))
      this.#options.logger.error(
        `${name} has used ${percent}% of its retention: records will be lost if ClickHouse does not catch up. Raise retention.ms or bring ClickHouse back.`,
      )
    }
  }

  async #commitOffsets(): Promise<void> {
    const { cluster, logger } = this.#options
    const { session } = this.#member
    if (session === undefined) return
    const offsets = [...this.#partitions.values()].flatMap(({ origin, progress: { committed } }) =>
      committed === undefined ? [] : [{ ...origin, offset: committed }],
    )
    try {
      await cluster.commitOffsets(session, offsets, { retryTimeoutMs: 0 })
    } catch (error) {
      logger.debug({ error: messageOf(error) }, 'Offsets were not committed; they only show lag')
    }
  }

  async #readRetention(): Promise<void> {
    const admin = new KafkaAdmin(this.#options.cluster)
    try {
      const described = await admin.describeConfigs([...this.#tables.keys()])
      this.#retention = new Map(
        [...described].map(([topic, configs]) => {
          const number = (wanted: string) =>
            Number(configs.find(({ name }) => name === wanted)?.value ?? -1)
          return [topic, { ms: number('retention.ms'), bytes: number('retention.bytes') }]
        }),
      )
    } catch (error) {
      this.#options.logger.warn({ error: messageOf(error) }, 'Cannot read retention settings')
    }
  }

  #forgetGauges({ topic, partition }: TopicPartition): void {
    const { lag, delay, retentionUsed: used } = this.#options.metrics
    const labels = { topic, partition: String(partition) }
    for (const gauge of [lag, delay, used]) gauge.remove(labels)
  }

  #every(ms: number, work: () => Promise<void>): void {
    const timer = setInterval(() => {
      work().catch((error: unknown) => {
        this.#options.logger.warn({ error: messageOf(error) }, 'A look at Kafka failed')
      })
    }, ms)
    this.#timers.push(timer)
  }
}

/** Errors of servers and of the system carry a code; those of the program (ERR_* too) are bugs. */
const isOperational = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  !error.code.startsWith('ERR_')

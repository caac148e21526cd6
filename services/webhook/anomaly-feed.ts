/**
 * Hands every record of signals.anomalies to `handle`, at least once.
 *
 * F1: records of one series are handled one after the other, in their order; so are the revisions
 *     of an anomaly, since its series is their key. Others go on meanwhile.
 * F2: an offset is committed only when everything before it is handled.
 * F3: at most `inFlightAtMost` records are in `handle`; behind them the fetcher's buffer limits hold
 *     back, and the rest stays in Kafka.
 * F4: when partitions go away (rebalance, stop) no new record is begun; what is under way gets
 *     `graceMs`, then its signal aborts and whoever has the partition next begins with it.
 * F5: a group that has never committed begins with what comes next: nobody wants last month's
 *     anomalies because a webhook was configured today.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Fetcher,
  GroupMember,
  type FetchedRecords,
  type KafkaCluster,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../pipelines/runtime/kafka/index.ts'
import { messageOf } from '../shared/errors.ts'
import { Limiter } from '../shared/limiter.ts'
import type { Logger } from '../shared/logger.ts'
import { OffsetTracker } from './offset-tracker.ts'

export interface FeedRecord {
  readonly key: string
  readonly value: Buffer | null
  readonly partition: number
  readonly offset: number
}

export interface AnomalyFeedOptions {
  readonly cluster: KafkaCluster
  readonly groupId: string
  readonly topic: string
  readonly logger: Logger
  /** Resolves when the record needs no more attention; rejects only when `signal` aborts. */
  readonly handle: (record: FeedRecord, signal: AbortSignal) => Promise<void>
  readonly onFailure: (error: Error) => void
  readonly inFlightAtMost?: number
  readonly graceMs?: number
  readonly commitEveryMs?: number
}

/** A partition while it is ours. */
interface Hold {
  readonly partition: number
  tracker: OffsetTracker
  /** Per series, the last record begun or waiting (F1). */
  readonly lanes: Map<string, Promise<void>>
  readonly pending: Set<Promise<void>>
  /** Aborted: begin nothing new. */
  readonly draining: AbortController
  /** Aborted: give up what is under way. */
  readonly ended: AbortController
}

export class AnomalyFeed {
  readonly #options: AnomalyFeedOptions
  readonly #member: GroupMember
  readonly #fetcher: Fetcher
  readonly #handling: Limiter
  readonly #holds = new Map<number, Hold>()
  readonly #closing = new AbortController()
  #committing: Promise<void> | undefined
  /** The positions of what the group gave first are known. */
  #hasBegun = false

  constructor(options: AnomalyFeedOptions) {
    this.#options = options
    this.#handling = new Limiter(options.inFlightAtMost ?? 16)
    const { cluster, groupId, topic } = options
    this.#fetcher = new Fetcher({
      cluster,
      name: `feed/${groupId}`,
      isolation: 'read_committed',
      partitionBufferBytes: 1024 * 1024,
      onRecords: (fetched) => void this.#take(fetched),
      onOffsetOutOfRange: (position) => void this.#skipLost(position),
      onError: (_partition, error) => {
        options.onFailure(error)
      },
    })
    this.#member = new GroupMember({
      cluster,
      groupId,
      topics: [topic],
      listTasks: async () =>
        (await this.#partitions()).map((partition) => ({
          id: `${groupId}/${partition.partition}`,
          partitions: [partition],
        })),
      onAssign: (tasks) => this.#begin(tasks.map(partitionOf)),
      onRevoke: (tasks) => this.#end(tasks.map(partitionOf), { commit: true }),
      onLost: () => this.#end([...this.#holds.keys()], { commit: false }),
      onFailure: options.onFailure,
    })
  }

  start(): void {
    this.#member.start()
    this.#committing = this.#commitRegularly()
  }

  get isConsuming(): boolean {
    return this.#hasBegun && this.#member.session !== undefined
  }

  get inFlight(): number {
    return this.#handling.running
  }

  async close(): Promise<void> {
    await this.#member.close()
    this.#closing.abort()
    await this.#committing
    await this.#fetcher.close()
  }

  async #partitions(): Promise<TopicPartition[]> {
    const { cluster, topic } = this.#options
    const count = await cluster.partitionCount(topic)
    return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  }

  // --- holding partitions ---------------------------------------------------------------------

  async #begin(partitions: readonly number[]): Promise<void> {
    const { topic } = this.#options
    const positions = await this.#positionsOf(partitions.map((partition) => ({ topic, partition })))
    for (const { partition, offset } of positions) {
      this.#holds.set(partition, {
        partition,
        tracker: new OffsetTracker(offset),
        lanes: new Map(),
        pending: new Set(),
        draining: new AbortController(),
        ended: new AbortController(),
      })
    }
    this.#fetcher.assign(positions)
    this.#hasBegun = true
  }

  /** F5; committed at once, or a crash before the first record would begin later again. */
  async #positionsOf(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    const { cluster, groupId } = this.#options
    const committed = await cluster.committedOffsets(groupId, partitions)
    const fresh = committed.filter(({ offset }) => offset < 0)
    const ends = await cluster.listOffsets(fresh, 'latest-committed')
    const { session } = this.#member
    if (session !== undefined) await cluster.commitOffsets(session, ends)
    return [...committed.filter(({ offset }) => offset >= 0), ...ends]
  }

  async #end(partitions: readonly number[], { commit }: { commit: boolean }): Promise<void> {
    const { topic } = this.#options
    const graceMs = commit ? (this.#options.graceMs ?? 10_000) : 0
    this.#fetcher.unassign(partitions.map((partition) => ({ topic, partition })))
    const holds = partitions.flatMap((partition) => this.#holds.get(partition) ?? [])
    for (const { partition, draining } of holds) {
      this.#holds.delete(partition)
      draining.abort()
    }
    const drained = Promise.all(holds.flatMap(({ pending }) => [...pending]))
    const inTime = new AbortController()
    await Promise.race([drained, expiry(graceMs, inTime.signal)])
    inTime.abort()
    for (const { ended } of holds) ended.abort()
    await drained
    if (commit) await this.#commit(holds)
  }

  // --- records --------------------------------------------------------------------------------

  /** Released when all of it is handled: what waits is bounded by the fetcher's buffer limits. */
  async #take(fetched: FetchedRecords): Promise<void> {
    const hold = this.#holds.get(fetched.partition)
    if (hold !== undefined) {
      const { tracker } = hold
      await Promise.all(
        recordsOf(fetched).map((record) => this.#enqueue({ hold, tracker, record })),
      )
    }
    fetched.release()
  }

  #enqueue(item: Item): Promise<void> {
    const { hold, tracker, record } = item
    tracker.start(record.offset)
    const before = hold.lanes.get(record.key) ?? Promise.resolve()
    const done = before
      .then(() => this.#handling.run(() => this.#handle(item)))
      .finally(() => {
        hold.pending.delete(done)
        if (hold.lanes.get(record.key) === done) hold.lanes.delete(record.key)
      })
    hold.lanes.set(record.key, done)
    hold.pending.add(done)
    return done
  }

  async #handle({ hold, tracker, record }: Item): Promise<void> {
    if (hold.draining.signal.aborted) return
    try {
      await this.#options.handle(record, hold.ended.signal)
      tracker.finish(record.offset)
    } catch (error) {
      if (hold.ended.signal.aborted) return
      hold.draining.abort() // what comes behind it must not overtake it
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #skipLost({ topic, partition, offset: wanted }: TopicPartitionOffset): Promise<void> {
    try {
      const offset = await this.#options.cluster.listOffset({ topic, partition }, 'earliest')
      const hold = this.#holds.get(partition)
      if (hold === undefined) return
      this.#options.logger.error(
        { topic, partition, wanted, offset },
        'Anomalies were removed by retention before they could be posted; going on behind them',
      )
      // A smaller offset: the topic was deleted and made again.
      if (offset > wanted) hold.tracker.skipTo(offset)
      else hold.tracker = new OffsetTracker(offset)
      this.#fetcher.seek({ topic, partition, offset })
    } catch (error) {
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)))
    }
  }

  // --- committing -----------------------------------------------------------------------------

  async #commitRegularly(): Promise<void> {
    const { commitEveryMs = 500 } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted) {
      await expiry(commitEveryMs, signal)
      await this.#commit([...this.#holds.values()])
    }
  }

  /** What cannot be committed now is committed next time, or handled again by whoever comes next. */
  async #commit(holds: readonly Hold[]): Promise<void> {
    const { cluster, topic, logger } = this.#options
    const { session } = this.#member
    const moved = holds.flatMap(({ partition, tracker }) => {
      const offset = tracker.committable
      return offset === undefined ? [] : [{ topic, partition, offset, tracker }]
    })
    if (session === undefined || moved.length === 0) return
    try {
      await cluster.commitOffsets(session, moved, { retryTimeoutMs: 5000 })
      for (const { tracker, offset } of moved) tracker.committed(offset)
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'Cannot commit the position in the anomalies')
    }
  }
}

interface Item {
  readonly hold: Hold
  readonly tracker: OffsetTracker
  readonly record: FeedRecord
}

/** Copies: the fetched buffer is used again after its release. */
const recordsOf = ({ partition, records }: FetchedRecords): FeedRecord[] => {
  const copies: FeedRecord[] = []
  while (records.next()) {
    const [key, value] = [records.key(), records.value()]
    copies.push({
      key: key === null ? '' : Buffer.from(key).toString('utf8'),
      value: value === null ? null : Buffer.from(value),
      partition,
      offset: records.offset,
    })
  }
  return copies
}

const partitionOf = (task: string): number => Number(task.split('/').at(-1))

/** Resolves after the time, or as soon as nobody waits any more. */
const expiry = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined)

/**
 * How far a group has come. Recovery is measured by it: a fault is over when everything that had
 * come in until then is committed, in every partition. Workers' ticks count, too: a transaction may
 * be of nothing else, and would pass for committed while its zombie still holds it open.
 */
import type { KafkaCluster, TopicPartition } from '../../pipelines/runtime/kafka/index.ts'
import { until } from './until.ts'

const POLL_MS = 100
/** Of one question; the broker may be away. */
const ANSWER_MS = 300_000

export interface ProgressOptions {
  readonly cluster: KafkaCluster
  readonly groupId: string
  /** Of as many partitions. */
  readonly topics: readonly string[]
  readonly partitions: readonly number[]
  readonly signal: AbortSignal
}

export class Progress {
  readonly #options: ProgressOptions

  constructor(options: ProgressOptions) {
    this.#options = options
  }

  /** Resolves when all that is in the topics now has been committed. */
  async caughtUp(timeoutMs: number, partitions = this.#options.partitions): Promise<void> {
    const { cluster, groupId, topics, signal } = this.#options
    const asked: TopicPartition[] = topics.flatMap((topic) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    const limit = { retryTimeoutMs: ANSWER_MS, signal }
    const ends = await cluster.listOffsets(asked, 'latest', limit)
    const probe = async (): Promise<true | undefined> => {
      const committed = await cluster.committedOffsets(groupId, asked, limit)
      const done = ends.every(({ topic, partition, offset }) =>
        committed.some(
          (own) => own.topic === topic && own.partition === partition && own.offset >= offset,
        ),
      )
      return done || undefined
    }
    const what = `group ${groupId} come to offsets ${ends.map(({ offset }) => offset).join(', ')} of ${topics.join(', ')}`
    await until(probe, { what, timeoutMs, intervalMs: POLL_MS, signal })
  }
}

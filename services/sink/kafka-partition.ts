/** What a partition's sink asks of Kafka besides the stream of records. */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { isOffsetOutOfRange, KafkaError, readToEnd } from '../../pipelines/runtime/kafka/index.ts'
import type { BlockBounds, PartitionId } from './block.ts'
import type { ReadRange } from './block-protocol.ts'
import { RowWriter } from './row-writer.ts'
import type { TopicRows } from './topic-rows.ts'

/** The id of the topic that has this name now. Throws a retryable KafkaError if there is none. */
export const topicIdOf = async (
  cluster: KafkaCluster,
  topic: string,
  signal?: AbortSignal,
): Promise<string> => {
  const [found] = await cluster.metadata([topic], { signal })
  if (found?.errorCode === 0) return found.topicId
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${topic}; create it`, {
    retryable: true,
  })
}

/**
 * Fetches go by name: a topic deleted and made again would be read on at offsets that mean other
 * records. So before a block is claimed, its topic must still be the same one. Questions of many
 * partitions share one request, as long as that begins after the question.
 */
export class TopicGuard {
  readonly #cluster: KafkaCluster
  readonly #waiting = new Map<string, Promise<string>>()

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  async isSame({ topic, topicId }: PartitionId, signal: AbortSignal): Promise<boolean> {
    const waiting = this.#waiting.get(topic)
    if (waiting !== undefined) return (await waiting) === topicId
    const asking = Promise.resolve().then(() => {
      this.#waiting.delete(topic) // Whoever asks from now on needs a newer answer.
      return topicIdOf(this.#cluster, topic, signal)
    })
    this.#waiting.set(topic, asking)
    return (await asking) === topicId
  }
}

export interface RangeReader {
  readonly cluster: KafkaCluster
  readonly id: PartitionId
  readonly topicRows: TopicRows
  readonly signal: AbortSignal
  /** Looks up the schema that `topicRows` waits for, however long it takes. */
  readonly loadSchema: () => Promise<void>
}

/** Rows of a block that was claimed before. Its dead letters were sent before the claim. */
export const readRange = async (reader: RangeReader, bounds: BlockBounds): Promise<ReadRange> => {
  const { cluster, id, topicRows, signal } = reader
  const writer = new RowWriter()
  let count = 0
  try {
    await readToEnd({
      cluster,
      topic: id.topic,
      partition: id.partition,
      fromOffset: bounds.firstOffset,
      until: bounds.lastOffset + 1,
      signal,
      onRecords: async (records) => {
        while (records.next()) {
          let outcome = topicRows.append(records, writer)
          while (outcome === 'needs-schema') {
            await reader.loadSchema()
            outcome = topicRows.append(records, writer)
          }
          if (outcome === 'row') count += 1
        }
      },
    })
  } catch (error) {
    if (isOffsetOutOfRange(error)) return { kind: 'gone' }
    throw error
  }
  return { kind: 'rows', count, rows: writer.bytes() }
}

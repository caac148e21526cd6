/**
 * What the ledger knows from the start: ids of the records that Kafka already has, so that a retry
 * that comes after a restart makes no second copy either.
 */
import {
  readToEnd,
  type KafkaCluster,
  type SchemaRegistryClient,
} from '../../pipelines/runtime/kafka/index.ts'
import type { EpochMs, Topic } from '../../schemas/topic.ts'
import { TopicDecoder } from '../shared/topic-decoder.ts'

interface Identified {
  readonly id: string
}

export interface KnownIdsOptions<Value extends Identified> {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly topic: Topic<Value>
  /** By the time of their arrival. */
  readonly sinceMs: EpochMs
  readonly signal: AbortSignal
}

export interface KnownId {
  readonly id: string
  readonly atMs: EpochMs
}

/** In no particular order. */
export const knownIds = async <Value extends Identified>(
  options: KnownIdsOptions<Value>,
): Promise<KnownId[]> => {
  const { cluster, registry, topic, sinceMs, signal } = options
  const decoder = new TopicDecoder(topic, registry)
  const known: KnownId[] = []
  const read = async (partition: number): Promise<void> => {
    const place = { topic: topic.name, partition }
    const fromOffset = await cluster.listOffset(place, { timestampMs: sinceMs })
    // Behind the last record: there is none so young.
    if (fromOffset < 0) return
    await readToEnd({
      cluster,
      ...place,
      fromOffset,
      until: 'last-stable',
      signal,
      onRecords: async (records) => {
        while (records.next()) {
          const { timestampMs: atMs } = records
          const read = await decoder.decode(records.value())
          // What nobody can read is no retry of anything.
          if (read.kind === 'value') known.push({ id: read.value.id, atMs })
        }
      },
    })
  }
  const partitions = await cluster.partitionCount(topic.name)
  await Promise.all(Array.from({ length: partitions }, (_, partition) => read(partition)))
  return known
}

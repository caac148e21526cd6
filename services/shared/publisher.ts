/** Publishes in whole: the caller goes on when the brokers have everything. */
import { IdempotentProducer, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'

export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
}

export interface RecordPublisher {
  /**
   * Resolves when the brokers have all of them, once each. Records of one partition keep their
   * order, also between calls that follow each other.
   */
  readonly publish: (records: readonly OutgoingRecord[]) => Promise<void>
}

export interface OpenPublisher extends RecordPublisher {
  readonly close: () => Promise<void>
}

export interface PublisherOptions {
  readonly cluster: KafkaCluster
  readonly name: string
  readonly topics: readonly string[]
  /** How long a record is tried while brokers are away. */
  readonly deliveryTimeoutMs: number
  readonly closeTimeoutMs?: number
}

export const openPublisher = async (options: PublisherOptions): Promise<OpenPublisher> => {
  const { cluster, name, topics, deliveryTimeoutMs, closeTimeoutMs = 5_000 } = options
  const producer = new IdempotentProducer({ cluster, name, deliveryTimeoutMs })
  await producer.prepare(topics)
  return {
    publish: async (records) => {
      for (const record of records) {
        while (!producer.hasRoom) await producer.room()
        // A failure is reported by flush.
        producer.append(record).catch(() => undefined)
      }
      await producer.flush()
    },
    close: () => producer.close({ timeoutMs: closeTimeoutMs }),
  }
}

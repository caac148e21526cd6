/** One value of a topic of the catalogue, for commands: resolves when Kafka has it. */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { Topic } from '../../schemas/topic.ts'
import type { Config } from '../shared/config.ts'
import { openPublisher } from '../shared/publisher.ts'
import { registryConnection } from '../shared/registry.ts'
import { openTopicRecords } from './topic-records.ts'

export interface PublishOneOptions {
  readonly config: Config
  readonly cluster: KafkaCluster
  /** Of who publishes. */
  readonly name: string
  readonly deliveryTimeoutMs: number
}

export const publishOne = async <Value>(
  topic: Topic<Value>,
  value: Value,
  { config, cluster, name, deliveryTimeoutMs }: PublishOneOptions,
): Promise<void> => {
  const registry = registryConnection(config.schemaRegistry)
  const records = await openTopicRecords(topic, { cluster, registry })
  const publisher = await openPublisher({ cluster, name, topics: [topic.name], deliveryTimeoutMs })
  try {
    await publisher.publish([records.of(value)])
  } finally {
    await publisher.close()
  }
}

/** The servers a `topics` command works on, and what should be on them. */
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../shared/config.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import type { TopicServers } from '../../topics/apply.ts'
import { productTopics, type ProductTopics } from '../../topics/product-topics.ts'
import { topicServers } from '../../topics/servers.ts'

export interface TopicSession extends ProductTopics {
  readonly cluster: KafkaCluster
  readonly servers: TopicServers
}

export interface SessionOptions {
  /** A shadow application instead of the product. */
  readonly app?: string | undefined
}

export const withTopicSession = async (
  work: (session: TopicSession) => Promise<void>,
  { app }: SessionOptions = {},
): Promise<void> => {
  const config = readConfig()
  const cluster = kafkaCluster(config)
  try {
    const topics = productTopics({
      spreadPartitions: config.partitions,
      ...(app === undefined ? {} : { applicationId: app }),
    })
    await work({ cluster, servers: topicServers(config, cluster), ...topics })
  } finally {
    await cluster.close()
  }
}

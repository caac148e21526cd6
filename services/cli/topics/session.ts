/** The servers a `topics` command works on, and what should be on them. */
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/cluster.ts'
import { readConfig } from '../../shared/config.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import type { TopicServers } from '../../topics/apply.ts'
import { topicServers } from '../../topics/servers.ts'
import { productTopics } from '../../topics/product-topics.ts'
import type { WantedTopic } from '../../topics/wanted-topic.ts'

export interface TopicSession {
  readonly cluster: KafkaCluster
  readonly servers: TopicServers
  readonly wanted: readonly WantedTopic[]
}

export const withTopicSession = async (
  work: (session: TopicSession) => Promise<void>,
  options: { readonly app?: string | undefined } = {},
): Promise<void> => {
  const config = readConfig()
  const cluster = kafkaCluster(config)
  try {
    const wanted = productTopics({
      spreadPartitions: config.partitions,
      ...(options.app === undefined ? {} : { applicationId: options.app }),
    })
    await work({ cluster, servers: topicServers(config, cluster), wanted })
  } finally {
    await cluster.close()
  }
}

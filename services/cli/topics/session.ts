/** The servers a `topics` command works on, and what should be on them. */
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/cluster.ts'
import { allTopics } from '../../../schemas/topics.ts'
import { readConfig } from '../../shared/config.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import type { TopicServers } from '../../topics/apply.ts'
import { topicServers } from '../../topics/servers.ts'
import { wantedFromCatalogue, type WantedTopic } from '../../topics/wanted-topic.ts'

export interface TopicSession {
  readonly cluster: KafkaCluster
  readonly servers: TopicServers
  readonly wanted: readonly WantedTopic[]
}

export const withTopicSession = async (
  work: (session: TopicSession) => Promise<void>,
): Promise<void> => {
  const config = readConfig()
  const cluster = kafkaCluster(config)
  try {
    const wanted = wantedFromCatalogue(allTopics, config.partitions)
    await work({ cluster, servers: topicServers(config, cluster), wanted })
  } finally {
    await cluster.close()
  }
}

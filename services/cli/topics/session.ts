/** The servers a `topics` command works on, and what should be on them. */
import type { TopicServers } from '../../topics/apply.ts'
import { productTopics, type ProductTopics } from '../../topics/product-topics.ts'
import { topicServers } from '../../topics/servers.ts'
import { withKafka, type KafkaSession, type KafkaSessionOptions } from '../kafka-session.ts'

export interface TopicSession extends ProductTopics, KafkaSession {
  readonly servers: TopicServers
}

export interface TopicSessionOptions extends KafkaSessionOptions {
  /** A shadow application instead of the product. */
  readonly app?: string | undefined
}

export const withTopicSession = (
  work: (session: TopicSession) => Promise<void>,
  { app, ...options }: TopicSessionOptions = {},
): Promise<void> =>
  withKafka(({ config, cluster }) => {
    const topics = productTopics({
      spreadPartitions: config.partitions,
      ...(app === undefined ? {} : { applicationId: app }),
    })
    return work({ config, cluster, servers: topicServers(config, cluster), ...topics })
  }, options)

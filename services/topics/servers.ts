/** The servers of this room from the configuration of a process. */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/cluster.ts'
import type { Config } from '../shared/config.ts'
import { registryConnection } from '../shared/registry.ts'
import type { TopicServers } from './apply.ts'
import { kafkaTopicAdmin } from './kafka-topic-admin.ts'
import { subjectRegistry } from './subject-registry.ts'

export const topicServers = (
  { schemaRegistry }: Pick<Config, 'schemaRegistry'>,
  cluster: KafkaCluster,
): TopicServers => ({
  admin: kafkaTopicAdmin(cluster),
  registry: subjectRegistry(registryConnection(schemaRegistry)),
})

/** The admin of this room on the Kafka client of the runtime. */
import { KafkaAdmin } from '../../pipelines/runtime/kafka/admin.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/cluster.ts'
import type { TopicAdmin } from './apply.ts'

export const kafkaTopicAdmin = (cluster: KafkaCluster): TopicAdmin => {
  const admin = new KafkaAdmin(cluster)
  return {
    listTopics: async () => (await admin.listTopics()).map(({ topic }) => topic),
    describeTopics: async (names) => {
      const [topics, configs] = await Promise.all([
        cluster.metadata(names),
        admin.describeConfigs(names),
      ])
      return new Map(
        topics.map(({ topic, partitions }) => {
          const known = (configs.get(topic) ?? []).flatMap(({ name, value }) =>
            value === null ? [] : [[name, value] as const],
          )
          return [topic, { partitions: partitions.length, settings: Object.fromEntries(known) }]
        }),
      )
    },
    createTopics: async (topics) => {
      await admin.createTopics(
        topics.map(({ name, partitions, settings }) => ({
          topic: name,
          partitions,
          configs: settings,
        })),
      )
    },
    alterSettings: (topic, settings) => admin.alterConfigs([{ topic, configs: settings }]),
  }
}

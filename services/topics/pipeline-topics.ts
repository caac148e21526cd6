/** Topics of pipelines that the product does not ship: of tests, drills and benchmarks. */
import { internalTopics, type Pipeline } from '../../pipelines/runtime/index.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { RegistryConnection } from '../../pipelines/runtime/kafka/registry-http.ts'
import type { AnyTopic } from '../../schemas/topic.ts'
import { applyTopics, type ApplyResult } from './apply.ts'
import { kafkaTopicAdmin } from './kafka-topic-admin.ts'
import { subjectRegistry } from './subject-registry.ts'
import { wantedFromCatalogue, wantedInternal } from './wanted-topic.ts'

export interface PipelineTopics {
  /** With a contract: inputs, outputs, ticks. */
  readonly topics: readonly AnyTopic[]
  /** Whose internal topics are wanted, too. */
  readonly pipelines: readonly Pipeline[]
  readonly partitions: number
}

/** Creates them and registers their schemas; the answer says why not, or is empty. */
export const applyPipelineTopics = async (
  { topics, pipelines, partitions }: PipelineTopics,
  servers: { readonly cluster: KafkaCluster; readonly connection: RegistryConnection },
): Promise<ApplyResult['refusals']> => {
  const internal = pipelines.flatMap(internalTopics).map((topic) => ({ ...topic, partitions }))
  const wanted = [...wantedFromCatalogue(topics, partitions), ...wantedInternal(internal)]
  const { refusals } = await applyTopics(wanted, {
    admin: kafkaTopicAdmin(servers.cluster),
    registry: subjectRegistry(servers.connection),
  })
  return refusals
}

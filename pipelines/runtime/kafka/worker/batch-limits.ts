/** `max.message.bytes` of the topics a pipeline writes to, where we may read settings. */
import { textOf } from '../../errors.ts'
import { BROKER_BATCH_BYTES } from '../../task/output-buffers.ts'
import type { Pipeline } from '../../topology/define-pipeline.ts'
import { internalTopics } from '../../topology/internal-topics.ts'
import { KafkaAdmin } from '../admin.ts'
import type { KafkaCluster } from '../cluster.ts'

export const readBatchLimits = async (
  cluster: KafkaCluster,
  pipeline: Pipeline,
): Promise<ReadonlyMap<string, number>> => {
  const topics = [...Object.values(pipeline.outputs), ...internalTopics(pipeline)]
  try {
    const described = await new KafkaAdmin(cluster).describeConfigs(topics.map(({ name }) => name))
    return new Map(
      [...described].map(([topic, configs]) => {
        const limit = configs.find(({ name }) => name === 'max.message.bytes')
        return [topic, Number(limit?.value ?? BROKER_BATCH_BYTES)]
      }),
    )
  } catch (error) {
    cluster.logger.warn({ error: textOf(error) }, 'Cannot read settings of topics: taking defaults')
    return new Map()
  }
}

/** Every topic that an installation has: the catalogue, and what pipelines and the sink need for themselves. */
import { internalTopics } from '../../pipelines/runtime/index.ts'
import { allTopics } from '../../schemas/topics.ts'
import { allPipelines } from '../worker/pipelines.ts'
import { wantedFromCatalogue, wantedInternal, type WantedTopic } from './wanted-topic.ts'

const SINK_DEAD_LETTERS = 'sink.dead-letter'

export const productTopics = (spreadPartitions: number): WantedTopic[] => [
  ...wantedFromCatalogue(allTopics, spreadPartitions),
  ...wantedInternal([
    ...allPipelines
      .flatMap((pipeline) => internalTopics(pipeline))
      .map((topic) => ({ ...topic, partitions: spreadPartitions })),
    { name: SINK_DEAD_LETTERS, kind: 'dead-letter', partitions: spreadPartitions },
  ]),
]

/** Every topic that an installation has: the catalogue, and what pipelines and the sink need for themselves. */
import {
  DEFAULT_APPLICATION_ID,
  forApplication,
  internalTopics,
  type Pipeline,
} from '../../pipelines/runtime/index.ts'
import { allTopics } from '../../schemas/topics.ts'
import type { AnyTopic } from '../../schemas/topic.ts'
import { allPipelines } from '../worker/pipelines.ts'
import { wantedFromCatalogue, wantedInternal, type WantedTopic } from './wanted-topic.ts'

const SINK_DEAD_LETTERS = 'sink.dead-letter'

export interface ProductTopicsOptions {
  readonly spreadPartitions: number
  /** For a shadow application: its own outputs and internal topics, and nothing else. */
  readonly applicationId?: string
}

export const productTopics = ({
  spreadPartitions,
  applicationId = DEFAULT_APPLICATION_ID,
}: ProductTopicsOptions): WantedTopic[] => {
  const pipelines = allPipelines.map((pipeline) => forApplication(pipeline, applicationId))
  const internal = wantedInternal(
    pipelines
      .flatMap((pipeline) => internalTopics(pipeline))
      .map((topic) => ({ ...topic, partitions: spreadPartitions })),
  )
  if (applicationId !== DEFAULT_APPLICATION_ID) {
    return [...wantedFromCatalogue(outputsOf(pipelines), spreadPartitions), ...internal]
  }
  const deadLetters = {
    name: SINK_DEAD_LETTERS,
    kind: 'dead-letter',
    partitions: spreadPartitions,
  } as const
  const catalogue = wantedFromCatalogue(allTopics, spreadPartitions)
  return [...catalogue, ...internal, ...wantedInternal([deadLetters])]
}

const outputsOf = (pipelines: readonly Pipeline[]): AnyTopic[] =>
  pipelines.flatMap(({ outputs }) => Object.values(outputs) as unknown as AnyTopic[])

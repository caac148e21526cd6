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
import {
  SINK_DEAD_LETTERS,
  wantedFromCatalogue,
  wantedInternal,
  type InternalTopic,
  type WantedTopic,
} from './wanted-topic.ts'

export interface ProductTopicsOptions {
  readonly spreadPartitions: number
  /** For a shadow application: its own outputs and internal topics, and nothing else. */
  readonly applicationId?: string
}

export interface ProductTopics {
  /** Topics with a contract, for producers and readers. */
  readonly catalogue: readonly WantedTopic[]
  /** Topics that pipelines and services keep for themselves. */
  readonly internal: readonly WantedTopic[]
}

export const productTopics = ({
  spreadPartitions,
  applicationId = DEFAULT_APPLICATION_ID,
}: ProductTopicsOptions): ProductTopics => {
  const pipelines = allPipelines().map((pipeline) => forApplication(pipeline, applicationId))
  const isShadow = applicationId !== DEFAULT_APPLICATION_ID
  const names: Omit<InternalTopic, 'partitions'>[] = pipelines.flatMap(internalTopics)
  if (!isShadow) names.push({ name: SINK_DEAD_LETTERS, kind: 'dead-letter' })
  // A pipeline has as many tasks as its inputs have partitions.
  const internal = wantedInternal(
    names.map((topic) => ({ ...topic, partitions: spreadPartitions })),
  )
  const topics = isShadow ? outputsOf(pipelines) : allTopics
  return { catalogue: wantedFromCatalogue(topics, spreadPartitions), internal }
}

const outputsOf = (pipelines: readonly Pipeline[]): AnyTopic[] =>
  pipelines.flatMap(({ outputs }) => Object.values(outputs) as unknown as AnyTopic[])

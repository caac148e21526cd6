/** The internal topics of a pipeline: their names, kinds and schemas, derived from its topology. */

import type { AvroSchema, Topic } from '../../../schemas/topic.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import type { Pipeline } from './define-pipeline.ts'
import { orderSchema, taskStateSchema } from './internal-schemas.ts'
import { storesOf } from './state-layout.ts'
import { TASK_STORE } from './store-names.ts'

export interface InternalTopic {
  readonly name: string
  readonly kind: 'changelog' | 'repartition' | 'order' | 'ticks' | 'late' | 'dead-letter'
  /** Partitions: as many as the pipeline has tasks. */
  readonly schema: AvroSchema | undefined
  readonly cleanup: 'compact' | 'delete'
}

export const changelogTopic = (pipeline: string, store: string): string =>
  `${pipeline}.${store}.changelog`
export const repartitionTopic = (pipeline: string, source: string): string =>
  `${pipeline}.${source}.repartition`
export const orderTopic = (pipeline: string): string => `${pipeline}.order`
export const ticksTopic = (pipeline: string): string => `${pipeline}.ticks`
export const lateTopic = (pipeline: string): string => `${pipeline}.late`
export const deadLetterTopic = (pipeline: string): string => `${pipeline}.dead-letter`

const PIPELINE_OWNER = 'pipelines/'

/** Whether readers of the topic take their time from the pipeline that writes it. */
export const isWrittenByPipelines = ({ owner }: Pick<Topic, 'owner'>): boolean =>
  owner.startsWith(PIPELINE_OWNER)

/** The ticks that pace the topic. */
export const tickTopicOf = (topic: Pick<Topic, 'owner'>): string =>
  isWrittenByPipelines(topic)
    ? ticksTopic(topic.owner.slice(PIPELINE_OWNER.length))
    : controlTicks.name

/** Whether it has keys, and so time and an order between inputs; raw pipelines have neither. */
export const isKeyed = (pipeline: Pipeline): boolean => Object.keys(pipeline.inputs).length > 0

export const internalTopics = (pipeline: Pipeline): InternalTopic[] => {
  const { name } = pipeline
  const changelogs = [...storesOf(pipeline), { name: TASK_STORE, schema: taskStateSchema }]
  return [
    ...changelogs.map(({ name: store, schema }): InternalTopic => ({
      name: changelogTopic(name, store),
      kind: 'changelog',
      schema,
      cleanup: 'compact',
    })),
    ...Object.values(pipeline.inputs).map(({ topic }): InternalTopic => ({
      name: repartitionTopic(name, topic.name),
      kind: 'repartition',
      schema: topic.schema,
      cleanup: 'delete',
    })),
    ...(isKeyed(pipeline) ? topicsOfKeyed(name) : []),
    { name: deadLetterTopic(name), kind: 'dead-letter', schema: undefined, cleanup: 'delete' },
  ]
}

const topicsOfKeyed = (pipeline: string): InternalTopic[] => [
  { name: orderTopic(pipeline), kind: 'order', schema: orderSchema, cleanup: 'delete' },
  { name: ticksTopic(pipeline), kind: 'ticks', schema: controlTicks.schema, cleanup: 'delete' },
  { name: lateTopic(pipeline), kind: 'late', schema: undefined, cleanup: 'delete' },
]

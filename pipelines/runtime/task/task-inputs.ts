/** The input partitions of one task, derived from its pipeline. */

import type { Topic } from '../../../schemas/topic.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import type { AnyGlobalInput, AnyKeyedInput } from '../topology/inputs.ts'
import { repartitionTopic, ticksTopic } from '../topology/internal-topics.ts'

export interface TaskInput {
  readonly kind: 'source' | 'repartition' | 'global' | 'ticks'
  readonly topic: string
  readonly partition: number
  /** Name in the pipeline's `inputs` or `globals`; empty for ticks. */
  readonly name: string
  readonly keyed?: AnyKeyedInput
  readonly global?: AnyGlobalInput
}

/** Ticks, configuration and commands wait for every other input; data does not. */
export const isControl = (input: TaskInput): boolean =>
  input.kind === 'ticks' || input.kind === 'global'

export const taskInputs = (
  pipeline: Pipeline,
  options: { readonly partition: number; readonly partitionsOf: (topic: string) => number },
): TaskInput[] => {
  const { partition } = options
  const inputs: TaskInput[] = []
  for (const [name, keyed] of Object.entries(pipeline.inputs)) {
    const repartition = repartitionTopic(pipeline.name, keyed.topic.name)
    inputs.push({ kind: 'source', topic: keyed.topic.name, partition, name, keyed })
    inputs.push({ kind: 'repartition', topic: repartition, partition, name, keyed })
  }
  for (const topic of [...upstreamTickTopics(pipeline), ticksTopic(pipeline.name)]) {
    inputs.push({ kind: 'ticks', topic, partition, name: '' })
  }
  for (const [name, global] of Object.entries(pipeline.globals)) {
    for (let index = 0; index < options.partitionsOf(global.topic.name); index++) {
      inputs.push({ kind: 'global', topic: global.topic.name, partition: index, name, global })
    }
  }
  return inputs
}

/** Who paces the pipeline's sources: `control.ticks`, or the pipelines that write them. */
export const upstreamTickTopics = (pipeline: Pipeline): string[] => [
  ...new Set(Object.values(pipeline.inputs).map(({ topic }) => tickTopicOf(topic))),
]

const PIPELINE_OWNER = 'pipelines/'

const tickTopicOf = (topic: Pick<Topic, 'owner'>): string =>
  topic.owner.startsWith(PIPELINE_OWNER)
    ? ticksTopic(topic.owner.slice(PIPELINE_OWNER.length))
    : controlTicks.name

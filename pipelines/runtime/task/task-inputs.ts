/** The input partitions of one task, derived from its pipeline. */

import type { Pipeline } from '../topology/define-pipeline.ts'
import type { AnyGlobalInput, AnyKeyedInput } from '../topology/inputs.ts'
import { isKeyed, repartitionTopic, tickTopicOf, ticksTopic } from '../topology/internal-topics.ts'
import type { RawInput } from '../topology/raw-pipeline.ts'

export interface TaskInput {
  readonly kind: 'source' | 'repartition' | 'raw' | 'global' | 'ticks'
  readonly topic: string
  readonly partition: number
  /** Name in the pipeline's `inputs` or `globals`; empty for ticks. */
  readonly name: string
  readonly keyed?: AnyKeyedInput
  readonly raw?: RawInput
  readonly global?: AnyGlobalInput
}

/** A partition of a topic of others. */
export interface RawTaskInput extends TaskInput {
  readonly raw: RawInput
}

export const isRaw = (input: TaskInput): input is RawTaskInput => input.raw !== undefined

/** Ticks, configuration and commands wait for every other input; data does not. */
export const isControl = (input: TaskInput): boolean =>
  input.kind === 'ticks' || input.kind === 'global'

export const taskInputs = (
  pipeline: Pipeline,
  options: {
    readonly partition: number
    readonly partitions: number
    readonly partitionsOf: (topic: string) => number
  },
): TaskInput[] => {
  const { partition, partitions } = options
  const inputs: TaskInput[] = []
  for (const [name, keyed] of Object.entries(pipeline.inputs)) {
    const repartition = repartitionTopic(pipeline.name, keyed.topic.name)
    inputs.push({ kind: 'source', topic: keyed.topic.name, partition, name, keyed })
    inputs.push({ kind: 'repartition', topic: repartition, partition, name, keyed })
  }
  for (const [name, raw] of Object.entries(pipeline.raw)) {
    const { topic } = raw
    // X1
    for (let index = partition; index < options.partitionsOf(topic); index += partitions) {
      inputs.push({ kind: 'raw', topic, partition: index, name, raw })
    }
  }
  const ownTicks = isKeyed(pipeline) ? [ticksTopic(pipeline.name)] : []
  for (const topic of [...upstreamTickTopics(pipeline), ...ownTicks]) {
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

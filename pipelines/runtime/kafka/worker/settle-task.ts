/** Asks Kafka what a restored task needs to know before it reads on; see task/start-positions.ts. */

import { settlePositions, topicsOfState } from '../../task/start-positions.ts'
import type { Task } from '../../task/task.ts'
import type { KafkaCluster } from '../cluster.ts'
import type { TopicPartitionOffset } from '../protocol/api.ts'
import { NO_TOPIC_ID } from '../protocol/metadata.ts'

export interface SettleOptions {
  readonly cluster: KafkaCluster
  readonly task: Task
  /** Of the task's group, read when nobody else could commit any more. */
  readonly committed: readonly TopicPartitionOffset[]
  readonly signal: AbortSignal
}

/** @throws RuntimeError when positions, topics and state contradict each other */
export const settleTask = async (options: SettleOptions): Promise<void> => {
  const { cluster, task, committed, signal } = options
  const [topics, earliest, latest] = await Promise.all([
    cluster.metadata(topicsOfState(task), { signal }),
    cluster.listOffsets(task.inputs, 'earliest', { signal }),
    cluster.listOffsets(task.inputs, 'latest', { signal }),
  ])
  const known = topics.filter(({ topicId }) => topicId !== NO_TOPIC_ID)
  const { recorded } = task.lineage
  const { recovered, fresh } = settlePositions(task, {
    topicIds: new Map(known.map(({ topic, topicId }) => [topic, topicId])),
    committedOf: lookUpIn(committed),
    earliestOf: lookUpIn(earliest),
    endOf: lookUpIn(latest),
  })
  const { logger } = cluster
  const { name, version } = task.pipeline
  const about = { pipeline: name, partition: task.partition }
  if (recovered.length > 0) {
    logger.warn(
      { ...about, inputs: recovered },
      'Committed offsets were gone; the state has its own',
    )
  }
  if (fresh.length > 0) {
    logger.warn(
      { ...about, inputs: fresh },
      'Topics were made anew; reading them from the beginning',
    )
  }
  if (recorded !== null && recorded.version > version) {
    logger.warn(
      { ...about, version, stateVersion: recorded.version },
      'An older version of the pipeline goes on with the state of a newer one',
    )
  }
}

const lookUpIn = (
  offsets: readonly TopicPartitionOffset[],
): ((topic: string, partition: number) => number) => {
  const found = new Map(
    offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
  )
  return (topic, partition) => found.get(`${topic}/${partition}`) ?? -1
}

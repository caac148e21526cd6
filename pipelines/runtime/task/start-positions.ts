/**
 * Where a restored task goes on reading. The state says it; the group's committed offsets and the
 * topics themselves must not contradict.
 *
 * - P1: no record is taken twice, and none is passed over, because offsets were lost or moved or
 *   topics made anew: either the state's own position is used, or the task stops.
 * - P2: an input that the state knows nothing of is read from the group's offset, or its beginning.
 * - P3: a topic of others that was made anew is another one: it is read from its beginning.
 */

import { RuntimeError } from '../errors.ts'
import { changelogTopic } from '../topology/internal-topics.ts'
import { TASK_STORE } from '../topology/store-names.ts'
import type { Task } from './task.ts'

/** What Kafka says. */
export interface StartFacts {
  /** Ids by topic; topics without one are left out. */
  readonly topicIds: ReadonlyMap<string, string>
  /** The group's offset, or -1. */
  readonly committedOf: (topic: string, partition: number) => number
  readonly earliestOf: (topic: string, partition: number) => number
  readonly endOf: (topic: string, partition: number) => number
}

/** Topics that positions and state refer to. */
export const topicsOfState = (task: Task): string[] => [
  ...new Set([
    ...task.inputs.map(({ topic }) => topic),
    ...[TASK_STORE, ...task.keySpace.stores.map(({ name }) => name)].map((store) =>
      changelogTopic(task.pipeline.name, store),
    ),
  ]),
]

interface SettledPositions {
  /** Partitions whose committed offsets were gone: they go on from the state's own. */
  readonly recovered: readonly string[]
  /** Of topics that were made anew (P3). */
  readonly fresh: readonly string[]
}

/**
 * Positions the task's queues, whose state has been restored.
 *
 * @throws RuntimeError TOPIC_RECREATED, STATE_MISSING, POSITIONS_CONTRADICT_STATE
 */
export const settlePositions = (task: Task, facts: StartFacts): SettledPositions => {
  const { lineage, pipeline } = task
  const renewed = checkTopicIds(task, facts.topicIds)
  lineage.noteTopicIds(facts.topicIds)
  const recovered: string[] = []
  const fresh: string[] = []
  for (const queue of task.queues) {
    const { topic, partition, kind } = queue.input
    const place = `${topic}/${partition}`
    const recorded = kind === 'global' ? queue.position : lineage.positionOf(topic, partition)
    const endOffset = facts.endOf(topic, partition)
    if (kind === 'raw' && (renewed.has(topic) || (recorded ?? 0) > endOffset)) {
      queue.position = facts.earliestOf(topic, partition) // P3
      fresh.push(place)
      continue
    }
    if (recorded !== undefined && recorded > endOffset) {
      throw new RuntimeError(
        'TOPIC_RECREATED',
        `State of pipeline '${pipeline.name}' has taken ${place} up to offset ${recorded}, but it ends at ` +
          `${endOffset}: the topic was made anew or has lost records; ${BEGIN_ANEW}`,
      )
    }
    if (kind === 'global') continue
    const committed = facts.committedOf(topic, partition)
    if (committed >= 0 && !lineage.restored) {
      throw new RuntimeError(
        'STATE_MISSING',
        `The group of pipeline '${pipeline.name}' has read ${place} up to offset ${committed}, but ` +
          `'${changelogTopic(pipeline.name, TASK_STORE)}' partition ${task.partition} holds nothing: the state ` +
          `is lost; bring that topic back, or delete the group's offsets to begin anew`,
      )
    }
    if (recorded === undefined) {
      queue.position = committed >= 0 ? committed : facts.earliestOf(topic, partition)
      continue
    }
    if (committed >= 0 && committed !== recorded) {
      throw new RuntimeError(
        'POSITIONS_CONTRADICT_STATE',
        `State of pipeline '${pipeline.name}' has taken ${place} up to offset ${recorded}, but the group's ` +
          `committed offset is ${committed}: set it to ${recorded} or delete it; ${BEGIN_ANEW}`,
      )
    }
    if (committed < 0) recovered.push(place)
    queue.position = recorded
  }
  return { recovered, fresh }
}

const BEGIN_ANEW = 'to process everything again, run the pipeline under a new application id'

/** Topics of others that were made anew. */
const checkTopicIds = (task: Task, now: ReadonlyMap<string, string>): ReadonlySet<string> => {
  const raw = new Set(Object.values(task.pipeline.raw).map(({ topic }) => topic))
  const renewed = new Set<string>()
  for (const { topic, id } of task.lineage.recorded?.topics ?? []) {
    const found = now.get(topic)
    if (found === undefined || found === id) continue
    if (raw.has(topic)) {
      renewed.add(topic)
      continue
    }
    throw new RuntimeError(
      'TOPIC_RECREATED',
      `Topic '${topic}' was deleted and created again since pipeline '${task.pipeline.name}' wrote its state ` +
        `(id ${id}, now ${found}): positions and state no longer fit; ${BEGIN_ANEW}`,
    )
  }
  return renewed
}

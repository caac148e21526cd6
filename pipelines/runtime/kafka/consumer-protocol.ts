/**
 * What group members tell each other, in Kafka's own "consumer" embedded protocol (version 0):
 * the broker and its tools read topics and partitions from it; the tasks ride in the user data.
 */
import type { TopicPartition } from './protocol/api.ts'
import { byTopic } from './protocol/api.ts'
import { WireReader, WireWriter } from './protocol/wire.ts'

export interface Subscription {
  readonly topics: readonly string[]
  /** What the member runs while it joins, the oldest first, and will run until told otherwise. */
  readonly heldTasks: readonly string[]
  /** Group generation it comes from; -1 for none. */
  readonly generation: number
}

export interface TaskAssignment {
  readonly tasks: readonly string[]
  /** Some tasks are still with members that are to let them go: another generation follows soon. */
  readonly incomplete: boolean
}

export interface AssignmentToSend extends TaskAssignment {
  /** The tasks' input partitions, for tools that show who reads what. */
  readonly partitions: readonly TopicPartition[]
}

const VERSION = 0

export function encodeSubscription(subscription: Subscription): Buffer {
  const writer = new WireWriter()
  writer.int16(VERSION)
  writer.array(subscription.topics, (topic) => {
    writer.string(topic)
  })
  const { heldTasks, generation } = subscription
  writer.bytes(Buffer.from(JSON.stringify({ heldTasks, generation })))
  return Buffer.concat(writer.finish())
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new WireReader(bytes)
  reader.int16()
  const topics = reader.array(() => reader.string())
  const userData = parseObject(reader.bytes())
  return {
    topics,
    heldTasks: stringList(userData['heldTasks']),
    generation: typeof userData['generation'] === 'number' ? userData['generation'] : -1,
  }
}

export function encodeAssignment(assignment: AssignmentToSend): Buffer {
  const writer = new WireWriter()
  writer.int16(VERSION)
  writer.array(byTopic(assignment.partitions), ([topic, partitions]) => {
    writer.string(topic)
    writer.array(partitions, ({ partition }) => {
      writer.int32(partition)
    })
  })
  const { tasks, incomplete } = assignment
  writer.bytes(Buffer.from(JSON.stringify({ tasks, incomplete })))
  return Buffer.concat(writer.finish())
}

/** An empty assignment (given to nobody in particular) has no tasks. */
export function decodeAssignment(bytes: Buffer): TaskAssignment {
  if (bytes.length === 0) return { tasks: [], incomplete: false }
  const reader = new WireReader(bytes)
  reader.int16()
  reader.array(() => {
    reader.string()
    reader.array(() => reader.int32())
  })
  const userData = parseObject(reader.bytes())
  return { tasks: stringList(userData['tasks']), incomplete: userData['incomplete'] === true }
}

/** Another program in the same group may send anything: what is not ours counts as nothing. */
function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}

const stringList = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

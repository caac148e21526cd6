/**
 * Where a task's state comes from: what built it, and how far into its inputs. It stands in the
 * task's changelog, written in the transactions that write the state itself, so that it holds
 * whatever becomes of the group's committed offsets.
 *
 * - O1: a position is written with every commit that moves it: state and positions never part.
 * - O2: what the state was built by is written with the first commit after it has changed.
 */

import type { Pipeline } from '../topology/define-pipeline.ts'
import type { TaskState } from '../topology/internal-schemas.ts'
import { topologyRecordOf, type TopologyRecord } from '../topology/topology-record.ts'

export type Position = TaskState['inputs'][number]
type RecordedTopology = NonNullable<TaskState['topology']>

export class StateLineage {
  /** What the changelog says; null where the state is older than that record, or there is none. */
  recorded: RecordedTopology | null = null
  /** Whether the task's changelog held anything at all. */
  restored = false
  readonly #rawTopics: ReadonlySet<string>
  /** Of the topics that positions and state refer to, where the broker gives ids. */
  #topicIds: ReadonlyMap<string, string> = new Map()
  readonly #topology: TopologyRecord
  readonly #positions = new Map<string, number>()

  constructor(pipeline: Pipeline) {
    this.#topology = topologyRecordOf(pipeline)
    this.#rawTopics = new Set(Object.values(pipeline.raw).map(({ topic }) => topic))
  }

  /** As the broker has them now. A topic of others may be away, and be known again when it is back. */
  noteTopicIds(now: ReadonlyMap<string, string>): void {
    const away = (this.recorded?.topics ?? []).filter(({ topic }) => this.#rawTopics.has(topic))
    this.#topicIds = new Map([...away.map(({ topic, id }) => [topic, id] as const), ...now])
  }

  positionOf(topic: string, partition: number): number | undefined {
    return this.#positions.get(`${topic}/${partition}`)
  }

  /** One record of the changelog; of several under one key the last holds. */
  restore({ topology, inputs }: TaskState): void {
    this.restored = true
    if (topology !== null) this.recorded = topology
    this.#note(inputs)
  }

  /** Whether the store was not there when the state was last written: then it begins empty. */
  isNew(store: string): boolean {
    return this.recorded !== null && !this.recorded.stores.some(({ name }) => name === store)
  }

  /** O1: those that have moved since they were last taken. */
  takeMoved(positions: readonly Position[]): readonly Position[] {
    const moved = positions.filter(
      ({ topic, partition, offset }) => this.positionOf(topic, partition) !== offset,
    )
    this.#note(moved)
    return moved
  }

  /** O2: what is to be written, or undefined when the changelog says so already. */
  takeTopology(): RecordedTopology | undefined {
    const topics = [...this.#topicIds].map(([topic, id]) => ({ topic, id }))
    const topology = { ...this.#topology, topics }
    if (JSON.stringify(plain(this.recorded)) === JSON.stringify(plain(topology))) return undefined
    this.recorded = topology
    return topology
  }

  #note(positions: readonly Position[]): void {
    for (const { topic, partition, offset } of positions) {
      this.#positions.set(`${topic}/${partition}`, offset)
    }
  }
}

/** In one order of fields. */
const plain = (topology: RecordedTopology | null): unknown =>
  topology && {
    version: topology.version,
    stores: topology.stores.map(({ name, kind, times }) => [name, kind, times]),
    inputs: topology.inputs.map(({ topic, kind }) => [topic, kind]),
    topics: topology.topics.map(({ topic, id }) => [topic, id]),
  }

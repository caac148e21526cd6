/**
 * Partition counts of a pipeline's topics. Which task owns a key hangs on them, so they are read once
 * and hold for as long as the worker runs; one that changes meanwhile stops it.
 *
 * Topics of others, which a raw pipeline reads, are dealt over the tasks whatever they have: they may
 * come, grow and go (X1 in raw-pipeline.ts).
 */
import { RuntimeError } from '../../errors.ts'
import { upstreamTickTopics } from '../../task/task-inputs.ts'
import type { Pipeline } from '../../topology/define-pipeline.ts'
import { internalTopics } from '../../topology/internal-topics.ts'
import type { KafkaCluster, RetryLimit } from '../cluster.ts'

export class PartitionCounts {
  readonly #pipeline: Pipeline
  readonly #source: string
  readonly #counts: ReadonlyMap<string, number>
  #raw: ReadonlyMap<string, RawTopic> = new Map()

  private constructor(pipeline: Pipeline, counts: ReadonlyMap<string, number>) {
    this.#pipeline = pipeline
    this.#source = keyedTopics(pipeline)[0] ?? ''
    this.#counts = counts
  }

  /** @throws RuntimeError TOPOLOGY_PARTITIONS_CHANGED when topics do not fit together */
  static async read(cluster: KafkaCluster, pipeline: Pipeline): Promise<PartitionCounts> {
    const others = [
      ...Object.values(pipeline.globals).map(({ topic }) => topic.name),
      ...Object.values(pipeline.outputs).map(({ name }) => name),
    ]
    const found = new Map<string, number>()
    for (const topic of [...keyedTopics(pipeline), ...others]) {
      found.set(topic, await cluster.partitionCount(topic))
    }
    const counts = new PartitionCounts(pipeline, found)
    counts.#check(found)
    await counts.#lookAtRaw(cluster)
    return counts
  }

  /** As many as the inputs have partitions; those of a raw pipeline: its own topics. */
  get tasks(): number {
    return this.of(this.#source)
  }

  of(topic: string): number {
    const count = this.#counts.get(topic) ?? this.#raw.get(topic)?.partitions
    if (count === undefined) {
      throw new RuntimeError(
        'TOPOLOGY_INVALID',
        `Partition count of '${topic}' was not read at start`,
      )
    }
    return count
  }

  /** Topics of others; without partitions those that do not exist now. */
  get foreign(): readonly { readonly topic: string; readonly partitions: number }[] {
    return [...this.#raw].map(([topic, { partitions }]) => ({ topic, partitions }))
  }

  /**
   * Asks the cluster again. Topics that it does not tell about are left out. True when the tasks have
   * other inputs now: topics of others have changed.
   *
   * @throws RuntimeError TOPOLOGY_PARTITIONS_CHANGED when one has another count than at the start
   */
  async checkAgain(cluster: KafkaCluster): Promise<boolean> {
    const topics = await cluster.metadata(keyedTopics(this.#pipeline), { retryTimeoutMs: 0 })
    this.#check(
      new Map(
        topics
          .filter(({ errorCode }) => errorCode === 0)
          .map(({ topic, partitions }) => [topic, partitions.length]),
      ),
    )
    return this.#lookAtRaw(cluster, { retryTimeoutMs: 0 })
  }

  async #lookAtRaw(cluster: KafkaCluster, limit: RetryLimit = {}): Promise<boolean> {
    const names = Object.values(this.#pipeline.raw).map(({ topic }) => topic)
    if (names.length === 0) return false
    const found = new Map(
      (await cluster.metadata(names, limit)).map(({ topic, topicId, partitions, errorCode }) => [
        topic,
        errorCode === 0 ? { topicId, partitions: partitions.length } : ABSENT,
      ]),
    )
    const before = this.#raw
    this.#raw = new Map(names.map((name) => [name, found.get(name) ?? ABSENT]))
    return names.some((name) => !isSame(before.get(name), this.#raw.get(name)))
  }

  #check(found: ReadonlyMap<string, number>): void {
    const { name } = this.#pipeline
    for (const topic of keyedTopics(this.#pipeline)) {
      const count = found.get(topic) ?? this.tasks
      if (count === this.tasks) continue
      const why = topic === this.#source ? 'it had when this worker began' : `'${this.#source}' has`
      throw new RuntimeError(
        'TOPOLOGY_PARTITIONS_CHANGED',
        `Pipeline '${name}' needs ${this.tasks} partitions of '${topic}', as ${why}, but finds ${count}; ` +
          'create the topic with that many, or run under another application id',
      )
    }
  }
}

interface RawTopic {
  readonly topicId: string
  readonly partitions: number
}
const ABSENT: RawTopic = { topicId: '', partitions: 0 }

const isSame = (one: RawTopic | undefined, other: RawTopic | undefined): boolean =>
  one?.topicId === other?.topicId && one?.partitions === other?.partitions

/**
 * Those whose partition p belongs to task p. Ticks of pipelines before this one are among them: as
 * many as they have partitions, so many tasks of theirs does a clock here wait for.
 */
const keyedTopics = (pipeline: Pipeline): string[] => [
  ...Object.values(pipeline.inputs).map(({ topic }) => topic.name),
  ...upstreamTickTopics(pipeline),
  ...internalTopics(pipeline).map(({ name }) => name),
]

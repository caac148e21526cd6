/**
 * Partition counts of a pipeline's topics. Which task owns a key hangs on them, so they are read once
 * and hold for as long as the worker runs; one that changes meanwhile stops it.
 */
import { RuntimeError } from '../../errors.ts'
import { upstreamTickTopics } from '../../task/task-inputs.ts'
import type { Pipeline } from '../../topology/define-pipeline.ts'
import { internalTopics } from '../../topology/internal-topics.ts'
import type { KafkaCluster } from '../cluster.ts'

export class PartitionCounts {
  readonly #pipeline: Pipeline
  readonly #source: string
  readonly #counts: ReadonlyMap<string, number>

  private constructor(pipeline: Pipeline, counts: ReadonlyMap<string, number>) {
    this.#pipeline = pipeline
    this.#source = Object.values(pipeline.inputs)[0]?.topic.name ?? ''
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
    return counts
  }

  /** As many as the inputs have partitions. */
  get tasks(): number {
    return this.of(this.#source)
  }

  of(topic: string): number {
    const count = this.#counts.get(topic)
    if (count === undefined) {
      throw new RuntimeError(
        'TOPOLOGY_INVALID',
        `Partition count of '${topic}' was not read at start`,
      )
    }
    return count
  }

  /**
   * Asks the cluster again. Topics that it does not tell about are left out.
   *
   * @throws RuntimeError TOPOLOGY_PARTITIONS_CHANGED when one has another count than at the start
   */
  async checkAgain(cluster: KafkaCluster): Promise<void> {
    const topics = await cluster.metadata(keyedTopics(this.#pipeline), { retryTimeoutMs: 0 })
    this.#check(
      new Map(
        topics
          .filter(({ errorCode }) => errorCode === 0)
          .map(({ topic, partitions }) => [topic, partitions.length]),
      ),
    )
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

/**
 * Those whose partition p belongs to task p. Ticks of pipelines before this one are among them: as
 * many as they have partitions, so many tasks of theirs does a clock here wait for.
 */
const keyedTopics = (pipeline: Pipeline): string[] => [
  ...Object.values(pipeline.inputs).map(({ topic }) => topic.name),
  ...upstreamTickTopics(pipeline),
  ...internalTopics(pipeline).map(({ name }) => name),
]

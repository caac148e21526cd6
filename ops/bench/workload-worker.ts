/** The production worker on a workload, inside this process. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  SchemaRegistryClient,
  StreamWorker,
  type KafkaCluster,
} from '../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../services/shared/config.ts'
import { kafkaCluster } from '../../services/shared/kafka.ts'
import { registryConnection } from '../../services/shared/registry.ts'
import { schemaIdsOf } from '../../services/worker/schema-ids.ts'
import { ownCpuSeconds, residentBytes } from './process-figures.ts'
import { quantile } from './statistics.ts'
import { createWorkload, type Decode } from './workload.ts'
import { asApplication } from './workload-topics.ts'

export interface WorkerOptions {
  /** Of the workload: names its input. */
  readonly name: string
  readonly applicationId: string
  readonly decode: Decode
}

export interface CommitFigures {
  readonly commits: number
  readonly commit_p50_ms: number
  readonly commit_p99_ms: number
}

const LOOK_EVERY_MS = 2

export class WorkloadWorker {
  readonly #worker: StreamWorker
  readonly #cluster: KafkaCluster
  readonly #group: string
  readonly #input: string

  private constructor(options: {
    readonly worker: StreamWorker
    readonly cluster: KafkaCluster
    readonly group: string
    readonly input: string
  }) {
    this.#worker = options.worker
    this.#cluster = options.cluster
    this.#group = options.group
    this.#input = options.input
  }

  static async start({ name, applicationId, decode }: WorkerOptions): Promise<WorkloadWorker> {
    const config = readConfig()
    const connection = registryConnection(config.schemaRegistry)
    const { pipeline, input } = asApplication(createWorkload({ name, decode }), applicationId)
    const cluster = kafkaCluster(config, { clientId: applicationId })
    const worker = new StreamWorker({
      cluster,
      registry: new SchemaRegistryClient(connection),
      pipeline,
      applicationId,
      schemaIds: await schemaIdsOf(pipeline, connection),
      onFailure(error) {
        console.error(error)
        process.exit(1)
      },
    })
    await worker.start()
    const group = `${applicationId}.${pipeline.name}`
    return new WorkloadWorker({ worker, cluster, group, input: input.name })
  }

  get processed(): number {
    return this.#worker.tasks.reduce((sum, { runner }) => sum + runner.task.counters.records, 0)
  }

  get commitFigures(): CommitFigures {
    const runners = this.#worker.tasks.map(({ runner }) => runner)
    const latestMs = runners.flatMap(({ commitTimes }) => [...commitTimes.latestMs])
    return {
      commits: runners.reduce((sum, { commitTimes }) => sum + commitTimes.count, 0),
      commit_p50_ms: quantile(latestMs, 0.5),
      commit_p99_ms: quantile(latestMs, 0.99),
    }
  }

  get hasTasks(): boolean {
    return this.#worker.tasks.length > 0
  }

  /** Changelog records read back so far, and whether all tasks run. */
  get restore(): { readonly records: number; readonly isDone: boolean } {
    const { tasks } = this.#worker
    const records = tasks.reduce((sum, { runner }) => sum + runner.restore.restoredRecords, 0)
    return { records, isDone: this.hasTasks && this.#worker.readiness() === true }
  }

  /** Looks again and again until it holds; throws when a task has stopped for good. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await sleep(LOOK_EVERY_MS)
      const stopped = this.#worker.tasks.find(({ error }) => error !== undefined)
      if (stopped !== undefined) throw new Error(stopped.error)
    }
  }

  async untilCommitted(records: number): Promise<void> {
    const count = await this.#cluster.partitionCount(this.#input)
    const inputs = Array.from({ length: count }, (_, partition) => ({
      topic: this.#input,
      partition,
    }))
    for (;;) {
      const committed = await this.#cluster.committedOffsets(this.#group, inputs)
      if (committed.reduce((sum, { offset }) => sum + offset, 0) >= records) return
      await sleep(LOOK_EVERY_MS)
    }
  }

  async stop(): Promise<void> {
    await this.#worker.stop()
    await this.#cluster.close()
  }
}

/** Of this process so far. */
export const processFigures = () => ({
  cpu_seconds: ownCpuSeconds(),
  rss_bytes: residentBytes().peakBytes,
})

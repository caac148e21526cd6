/**
 * A worker under measurement, as a process of its own: the production StreamWorker on the workload.
 *
 *   node worker-process.ts APPLICATION fields|objects RECORDS
 *
 * Reads the input to its end (RECORDS), waits until everything is committed, says what it measured
 * in one line of JSON, and ends. Rates count from the first record processed to the last, and CPU
 * from the start of the process, as the Kafka Streams program does it.
 */
import { SchemaRegistryClient, StreamWorker } from '../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../services/shared/config.ts'
import { kafkaCluster } from '../../services/shared/kafka.ts'
import { registryConnection } from '../../services/shared/registry.ts'
import { schemaIdsOf } from '../../services/worker/schema-ids.ts'
import { ownCpuSeconds, residentBytes } from './process-figures.ts'
import { quantile } from './statistics.ts'
import { createWorkload } from './workload.ts'
import { asApplication } from './workload-topics.ts'

/** What `worker-process.ts` says. */
export interface WorkerFigures {
  readonly records: number
  readonly seconds: number
  readonly records_per_second: number
  readonly cpu_seconds: number
  readonly records_per_cpu_second: number
  readonly rss_bytes: number
  readonly commits: number
  readonly commit_p50_ms: number
  readonly commit_p99_ms: number
  /** From the last record processed to everything committed. */
  readonly last_commit_ms: number
  /** From the start of the process to the first record. */
  readonly start_ms: number
}

const LOOK_EVERY_MS = 2

const measure = async (id: string, options: { decode: string; records: number }): Promise<void> => {
  const { decode, records } = options
  const config = readConfig()
  const connection = registryConnection(config.schemaRegistry)
  const workload = createWorkload({
    name: 'bench',
    decode: decode === 'objects' ? 'objects' : 'fields',
  })
  const { pipeline, input } = asApplication(workload, id)
  const cluster = kafkaCluster(config, { clientId: id })
  const worker = new StreamWorker({
    cluster,
    registry: new SchemaRegistryClient(connection),
    pipeline,
    applicationId: id,
    schemaIds: await schemaIdsOf(pipeline, connection),
    onFailure(error) {
      console.error(error)
      process.exit(1)
    },
  })
  await worker.start()
  const processed = (): number =>
    worker.tasks.reduce((sum, { runner }) => sum + runner.task.counters.records, 0)

  let firstAtMs = 0
  while (processed() < records) {
    if (processed() === 0) firstAtMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    const stopped = worker.tasks.find(({ error }) => error !== undefined)
    if (stopped !== undefined) throw new Error(stopped.error)
  }
  const lastAtMs = performance.now()
  const partitions = await cluster.partitionCount(input.name)
  const inputs = Array.from({ length: partitions }, (_, partition) => ({
    topic: input.name,
    partition,
  }))
  for (;;) {
    const committed = await cluster.committedOffsets(`${id}.${pipeline.name}`, inputs)
    if (committed.reduce((sum, { offset }) => sum + offset, 0) >= records) break
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  const committedAtMs = performance.now()
  const cpuSeconds = ownCpuSeconds()
  const seconds = (lastAtMs - firstAtMs) / 1_000
  const commitMs = worker.tasks.flatMap(({ runner }) => [...runner.commitTimes.latestMs])
  const figures: WorkerFigures = {
    records,
    seconds,
    records_per_second: records / seconds,
    cpu_seconds: cpuSeconds,
    records_per_cpu_second: records / cpuSeconds,
    rss_bytes: residentBytes().peakBytes,
    commits: worker.tasks.reduce((sum, { runner }) => sum + runner.commitTimes.count, 0),
    commit_p50_ms: quantile(commitMs, 0.5),
    commit_p99_ms: quantile(commitMs, 0.99),
    last_commit_ms: committedAtMs - lastAtMs,
    start_ms: firstAtMs,
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  await worker.stop()
  await cluster.close()
}

const [id, decode, records] = process.argv.slice(2)
if (id !== undefined) await measure(id, { decode: decode ?? 'fields', records: Number(records) })

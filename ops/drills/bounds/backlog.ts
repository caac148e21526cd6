/**
 * A worker that starts before a backlog, most of which is of one key if asked for, with records of a
 * megabyte in between; then another one that takes over from what the first has committed.
 */
import { RecordEncoder } from '../../../pipelines/runtime/avro/index.ts'
import { IdempotentProducer } from '../../../pipelines/runtime/kafka/index.ts'
import { registeredSchemaId } from '../../../services/shared/registry.ts'
import { openBenchStack, type BenchStack } from '../../bench/bench-stack.ts'
import { script, startChild } from '../../bench/child.ts'
import type { RestoreFigures, RunFigures } from '../../bench/worker-process.ts'
import { createApplication, createInput, removeTopics } from '../../bench/workload-topics.ts'
import { createWorkload, workloadPoints, type Workload } from '../../bench/workload.ts'
import { uniqueName } from '../../test/stack.ts'

const PARTITIONS = 4
const SERIES = 2_000
/** For four tasks, as docs/limits.md works it out. */
export const WORKER_BOUND_MIB = 380

export interface BacklogOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly records: number
  /** Share of the records that are of one key. */
  readonly hotShare: number
  /** One in so many records has a megabyte. */
  readonly largeEvery: number
}

export interface BacklogFigures {
  readonly processed: number
  readonly recordsPerSecond: number
  readonly peakRssMib: number
  readonly restoredRecords: number
}

export const drillBacklog = async (options: BacklogOptions): Promise<BacklogFigures> => {
  const { environment, records } = options
  const stack = await openBenchStack({ attach: true, env: environment })
  const name = uniqueName('backlog')
  const id = `${name}-app`
  try {
    const workload = createWorkload({ name, decode: 'fields' })
    await createInput(stack, workload, PARTITIONS)
    await createApplication(stack, workload, { id, partitions: PARTITIONS })
    await fill(stack, workload, options)
    const start = (args: readonly (string | number)[]) =>
      startChild(script('worker-process.ts', args, stack.env)).result
    const run = (await start(['run', name, id, 'fields', records])) as RunFigures
    const restore = (await start(['restore', name, id, 'fields'])) as RestoreFigures
    return {
      processed: run.records,
      recordsPerSecond: Math.round(run.records_per_second),
      peakRssMib: Math.round(run.rss_bytes / 1024 / 1024),
      restoredRecords: restore.restored_records,
    }
  } finally {
    await removeTopics(stack, name)
    await stack.stop()
  }
}

const fill = async (
  { cluster, connection }: BenchStack,
  { input }: Workload,
  { records, hotShare, largeEvery }: BacklogOptions,
): Promise<void> => {
  const schemaId = await registeredSchemaId(input, connection)
  const encoder = new RecordEncoder({ schema: input.schema, schemaId })
  const producer = new IdempotentProducer({ cluster, name: 'backlog' })
  await producer.prepare([input.name])
  const unit = 'x'.repeat(900_000)
  let record = 0
  for (const point of workloadPoints({ records, series: SERIES })) {
    record += 1
    const isHot = record % 100 < 100 * hotShare
    const labels = isHot ? { ...point.labels, host: 'hot' } : point.labels
    const value = { ...point, labels, unit: record % largeEvery === 0 ? unit : null }
    while (!producer.hasRoom) await producer.room()
    const key = Buffer.from(input.keyOf(value))
    void producer.append({ topic: input.name, key, value: encoder.encode(value) })
  }
  await producer.close()
}

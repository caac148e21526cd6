/**
 * How fast one task is without Kafka: the workload's records from memory through the production
 * task, commits included (taken every 50,000 records and thrown away).
 *
 *   node ops/bench/task-throughput.ts [fields|objects] [records]
 */
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import { internalTopics } from '../../pipelines/runtime/index.ts'
import { RecordBatchBuilder, RecordSet } from '../../pipelines/runtime/record/index.ts'
import { Task } from '../../pipelines/runtime/task/task.ts'
import type { AvroSchema } from '../../schemas/topic.ts'
import { createWorkload, workloadPoints } from './workload.ts'

const decode = process.argv[2] === 'objects' ? 'objects' : 'fields'
const records = Number(process.argv[3] ?? 2_000_000)
const SERIES = 500
const RECORDS_PER_BATCH = 5_000
const RECORDS_PER_COMMIT = 50_000

const { pipeline, input } = createWorkload({ name: 'bench', decode })
const schemas = new Map<number, AvroSchema>()
const schemaIdOf = (topic: string): number => {
  const own = internalTopics(pipeline).find(({ name }) => name === topic)
  const output = Object.values(pipeline.outputs).find(({ name }) => name === topic)
  const id = schemas.size + 1
  schemas.set(id, own?.schema ?? output?.schema ?? input.schema)
  return id
}
const task = new Task({
  pipeline,
  partition: 0,
  partitions: 1,
  schemas: { schemaOf: (id) => schemas.get(id) ?? 'unknown' },
  settings: { schemaIdOf, partitionsOf: () => 1 },
})
const source = task.queues.find((queue) => queue.input.kind === 'source')
if (source === undefined) throw new Error('the workload has no source')

const encoder = new RecordEncoder({ schema: input.schema, schemaId: schemaIdOf(input.name) })
const batches: Buffer[] = []
const builder = new RecordBatchBuilder()
let offset = 0
for (const point of workloadPoints({ records, series: SERIES })) {
  builder.appendRecord(Buffer.from(input.keyOf(point)), encoder.encode(point))
  if (builder.count < RECORDS_PER_BATCH) continue
  const batch = Buffer.from(builder.finish({ timestampMs: point.timestamp }))
  batch.writeBigInt64BE(BigInt(offset), 0)
  offset += builder.count
  batches.push(batch)
  builder.reset()
}

const cpuBefore = process.cpuUsage()
const startedAt = performance.now()
let outputBytes = 0
let position = 0
for (const batch of batches) {
  const set = new RecordSet(batch, { fromOffset: position, verifyCrc: true })
  position = set.nextOffset
  task.push(source, { records: set, highWatermark: offset, requestedAtMs: 0, receivedAtMs: 0 })
  task.run(RECORDS_PER_BATCH)
  if (position % RECORDS_PER_COMMIT !== 0) continue
  const commit = task.takeCommit()
  if (commit === undefined) continue
  for (const { batches: outputs } of commit.outputs) {
    for (const output of outputs) outputBytes += output.finish({ timestampMs: 0 }).length
  }
  task.recycle(commit)
}
const seconds = (performance.now() - startedAt) / 1_000
const cpu = process.cpuUsage(cpuBefore)
const cpuSeconds = (cpu.user + cpu.system) / 1e6
console.log(
  JSON.stringify({
    decode,
    records: offset,
    records_per_second: Math.round(offset / seconds),
    records_per_cpu_second: Math.round(offset / cpuSeconds),
    emitted: task.counters.emitted,
    output_bytes: outputBytes,
    rss_bytes: process.memoryUsage.rss(),
  }),
)

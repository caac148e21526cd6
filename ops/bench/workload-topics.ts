/** Topics, schemas and input of a workload on the servers. */
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import { forApplication } from '../../pipelines/runtime/index.ts'
import { IdempotentProducer } from '../../pipelines/runtime/kafka/index.ts'
import { controlTicks } from '../../schemas/topics.ts'
import { registeredSchemaId } from '../../services/shared/registry.ts'
import { applyPipelineTopics, type PipelineTopics } from '../../services/topics/pipeline-topics.ts'
import type { BenchStack } from './bench-stack.ts'
import { workloadPoints, type PointsOptions, type Workload } from './workload.ts'

/** `control.ticks` and input topic of a workload, without records. */
export const createInput = async (
  stack: BenchStack,
  { input }: Workload,
  partitions: number,
): Promise<void> => {
  await apply(stack, { topics: [controlTicks, input], pipelines: [], partitions })
}

/** The same workload as an application of its own, with the topics that it needs. */
export const createApplication = async (
  stack: BenchStack,
  workload: Workload,
  options: { readonly id: string; readonly partitions: number },
): Promise<Workload> => {
  const application = asApplication(workload, options.id)
  const { pipeline } = application
  const { partitions } = options
  await apply(stack, { topics: Object.values(pipeline.outputs), pipelines: [pipeline], partitions })
  return application
}

export const asApplication = (workload: Workload, id: string): Workload => {
  const pipeline = forApplication(workload.pipeline, id)
  const renamed = <Topic extends { readonly name: string }>(topic: Topic): Topic => ({
    ...topic,
    name: `${id}.${topic.name}`,
  })
  const { windows, deviations } = workload
  return { ...workload, pipeline, windows: renamed(windows), deviations: renamed(deviations) }
}

const apply = async (stack: BenchStack, wanted: PipelineTopics): Promise<void> => {
  const refusals = await applyPipelineTopics(wanted, stack)
  if (refusals.length > 0) throw new Error(`Topics were refused: ${JSON.stringify(refusals)}`)
}

/** The topic of this name, and those of the application of this name: ours `NAME.`, or `NAME-`. */
export const removeTopics = async ({ admin }: BenchStack, name: string): Promise<void> => {
  const topics = (await admin.listTopics()).map(({ topic }) => topic)
  const isOf = (topic: string): boolean =>
    topic === name || topic.startsWith(`${name}.`) || topic.startsWith(`${name}-`)
  await admin.deleteTopics(topics.filter(isOf))
}

export const fillInput = async (
  { cluster, connection }: BenchStack,
  { input }: Workload,
  options: PointsOptions & { readonly onProgress?: (records: number) => void },
): Promise<void> => {
  const { records, series, onProgress } = options
  const schemaId = await registeredSchemaId(input, connection)
  const encoder = new RecordEncoder({ schema: input.schema, schemaId })
  const producer = new IdempotentProducer({ cluster, name: 'bench' })
  await producer.prepare([input.name])
  const keys: Buffer[] = []
  let record = 0
  for (const point of workloadPoints({ records, series })) {
    const key = (keys[record % series] ??= Buffer.from(input.keyOf(point)))
    if (!producer.hasRoom) await producer.room()
    void producer.append({ topic: input.name, key, value: encoder.encode(point) })
    record += 1
    if (record % PROGRESS_RECORDS === 0) onProgress?.(record)
  }
  await producer.flush()
  await producer.close()
}

const PROGRESS_RECORDS = 100_000

/**
 * A pipeline that shows who works when: it numbers the records of a series, which come by two inputs
 * in turn. If these were ever dealt to different workers, or a record was lost or done twice, the
 * numbers of a series would not be 1, 2, 3, ...
 */
import {
  copartitioned,
  definePipeline,
  minutes,
  row,
  type Pipeline,
} from '../../../pipelines/runtime/index.ts'
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { RegistryConnection } from '../../../pipelines/runtime/kafka/registry-http.ts'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { parseSeriesKey } from '../../../schemas/series-key.ts'
import type { Topic } from '../../../schemas/topic.ts'
import { allTopics, signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import { applyPipelineTopics } from '../../../services/topics/pipeline-topics.ts'

/** As many as `control.ticks` has by default. */
export const PARTITIONS = 4

export interface Numbering {
  readonly pipeline: Pipeline
  readonly inputs: readonly [Topic<MetricPoint>, Topic<MetricPoint>]
  readonly output: Topic<Rollup>
}

export const createNumbering = (name: string): Numbering => {
  const left = { ...telemetryMetrics, name: `${name}.left` }
  const right = { ...telemetryMetrics, name: `${name}.right` }
  const output = { ...signalsRollups, name: `${name}.numbers` }
  const numbered = (key: string, count: number): Rollup => {
    const numbers = { count, sum: 0, min: 0, max: 0, mean: 0 }
    const bounds = { windowStart: 0, windowEnd: 0 }
    return { ...parseSeriesKey(key), ...bounds, ...numbers, series: '', sketch: Buffer.alloc(0) }
  }
  const pipeline = definePipeline({
    name,
    version: 1,
    inputs: {
      left: copartitioned(left, ['timestamp']),
      right: copartitioned(right, ['timestamp']),
    },
    state: { seen: row({ count: 0 }) },
    outputs: { numbers: output },
    on: {
      left(_point, { seen }, context) {
        seen.count += 1
        context.emit('numbers', numbered(context.key, seen.count))
      },
      right(_point, { seen }, context) {
        seen.count += 1
        context.emit('numbers', numbered(context.key, seen.count))
      },
    },
    keyIdleTtlMs: minutes(10_000),
    keyLimit: { perTask: 1_000, perGroup: 1_000, groupOf: () => '' },
  })
  return { pipeline, inputs: [left, right], output }
}

/** Creates its topics and registers their schemas. */
export const applyNumbering = async (
  { pipeline, inputs, output }: Numbering,
  servers: { readonly cluster: KafkaCluster; readonly connection: RegistryConnection },
): Promise<void> => {
  const topics = [...allTopics, ...inputs, output]
  const wanted = { topics, pipelines: [pipeline], partitions: PARTITIONS }
  const refusals = await applyPipelineTopics(wanted, servers)
  if (refusals.length > 0) throw new Error(JSON.stringify(refusals))
}

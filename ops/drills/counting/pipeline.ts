/**
 * A pipeline whose output shows every mistake: for each record the running count and sum of its
 * series (so a series must say 1, 2, 3, ... without gap or repeat), and for each minute its totals.
 */
import {
  copartitioned,
  definePipeline,
  internalTopics,
  minutes,
  ring,
  row,
  seconds,
  tumbling,
  type Pipeline,
} from '../../../pipelines/runtime/index.ts'
import type { RegistryConnection } from '../../../pipelines/runtime/kafka/registry-http.ts'
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { parseSeriesKey } from '../../../schemas/series-key.ts'
import { allTopics, signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import type { Topic } from '../../../schemas/topic.ts'
import { applyTopics } from '../../../services/topics/apply.ts'
import { kafkaTopicAdmin } from '../../../services/topics/kafka-topic-admin.ts'
import { subjectRegistry } from '../../../services/topics/subject-registry.ts'
import { wantedFromCatalogue, wantedInternal } from '../../../services/topics/wanted-topic.ts'

export const PARTITIONS = 4
export const WINDOW_MS = minutes(1)
export const GRACE_MS = seconds(5)
export const RING_SAMPLES = 100

export interface Counting {
  readonly pipeline: Pipeline
  readonly input: Topic<MetricPoint>
  readonly output: Topic<Rollup>
}

const rollup = (key: string, fields: Partial<Rollup>): Rollup => {
  const { tenant, name, labels } = parseSeriesKey(key)
  const numbers = { count: 0, sum: 0, min: 0, max: 0, mean: 0, sketch: Buffer.alloc(0) }
  return { windowStart: 0, windowEnd: 0, tenant, series: '', name, labels, ...numbers, ...fields }
}

/** `windowEnd` 0 marks the output of a record, `min` and `max` the ring's oldest and newest. */
export const createCounting = (name: string): Counting => {
  const input = { ...telemetryMetrics, name: `${name}.points` }
  const output = { ...signalsRollups, name: `${name}.counts` }
  const pipeline = definePipeline({
    name,
    version: 1,
    inputs: { points: copartitioned(input, ['timestamp', 'value']) },
    state: { totals: row({ count: 0, sum: 0 }), recent: ring({ capacity: RING_SAMPLES }) },
    outputs: { counts: output },
    windows: {
      minute: {
        input: 'points',
        window: tumbling({ sizeMs: WINDOW_MS, graceMs: GRACE_MS }),
        row: { count: 0, sum: 0 },
        add(point, { row }) {
          row.count += 1
          row.sum += point.value
        },
        close({ row }, { startMs, endMs }, _, context) {
          const { count, sum } = row
          const bounds = { windowStart: startMs, windowEnd: endMs }
          context.emit('counts', rollup(context.key, { ...bounds, count, sum }))
        },
      },
    },
    on: {
      points({ timestamp, value }, { totals, recent }, context) {
        totals.count += 1
        totals.sum += value
        recent.push(value)
        const { count, sum } = totals
        const held = { min: recent.at(0), max: recent.at(recent.length - 1) }
        context.emit('counts', rollup(context.key, { windowStart: timestamp, count, sum, ...held }))
      },
    },
    keyIdleTtlMs: minutes(10_000),
    keyLimit: { perTask: 1_000, perGroup: 1_000, groupOf: () => '' },
  })
  return { pipeline, input, output }
}

/** Creates its topics and registers their schemas. */
export const applyCounting = async (
  { pipeline, input, output }: Counting,
  servers: { readonly cluster: KafkaCluster; readonly connection: RegistryConnection },
): Promise<void> => {
  const internal = internalTopics(pipeline).map((topic) => ({ ...topic, partitions: PARTITIONS }))
  const wanted = [
    ...wantedFromCatalogue([...allTopics, input, output], PARTITIONS),
    ...wantedInternal(internal),
  ]
  const { cluster, connection } = servers
  const { refusals } = await applyTopics(wanted, {
    admin: kafkaTopicAdmin(cluster),
    registry: subjectRegistry(connection),
  })
  if (refusals.length > 0) throw new Error(JSON.stringify(refusals))
}

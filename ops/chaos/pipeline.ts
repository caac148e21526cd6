/**
 * A pipeline whose output shows every mistake: for each record the running count and sum of its
 * series (so a series must say 1, 2, 3, ... without gap or repeat) and what its ring holds, and for
 * each window its totals. It runs between two topics of the catalogue, so that the product's sink
 * and its tables serve unchanged.
 */
import {
  copartitioned,
  definePipeline,
  hopping,
  internalTopics,
  minutes,
  ring,
  row,
  seconds,
  session,
  tumbling,
  type Ring,
} from '../../pipelines/runtime/index.ts'
import type { RegistryConnection } from '../../pipelines/runtime/kafka/registry-http.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { Rollup } from '../../schemas/generated/signals-rollups.ts'
import { parseSeriesKey, seriesId, seriesKey } from '../../schemas/series-key.ts'
import { signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import { applyTopics } from '../../services/topics/apply.ts'
import { kafkaTopicAdmin } from '../../services/topics/kafka-topic-admin.ts'
import { productTopics } from '../../services/topics/product-topics.ts'
import { subjectRegistry } from '../../services/topics/subject-registry.ts'
import { wantedInternal } from '../../services/topics/wanted-topic.ts'
import { PARTITIONS } from './plan.ts'

export const APPLICATION = 'chaos'
export const RING_SAMPLES = 100
export const GRACE_MS = seconds(5)
export const WINDOWS = {
  tumbling: { sizeMs: minutes(1), advanceMs: minutes(1) },
  hopping: { sizeMs: seconds(90), advanceMs: seconds(30) },
} as const
/** A series that speaks every 32 s, a little more or less, sometimes makes the gap and sometimes not. */
export const SESSIONS = { gapMs: seconds(33), maxLengthMs: minutes(2) } as const
export type WindowKind = keyof typeof WINDOWS | 'session'

interface Numbers {
  readonly count: number
  readonly sum: number
  readonly min?: number
  readonly max?: number
  readonly mean?: number
}

/** The label `of` says what a record of the output is: of a record, or of a kind of window. */
const rollup = (
  key: string,
  of: WindowKind | 'record',
  { startMs, endMs }: { startMs: number; endMs: number },
  numbers: Numbers,
): Rollup => {
  const { tenant, name, labels } = parseSeriesKey(key)
  const identity = { tenant, name, labels: { ...labels, of } }
  return {
    windowStart: startMs,
    windowEnd: endMs,
    ...identity,
    series: seriesId(seriesKey(identity)),
    min: 0,
    max: 0,
    mean: 0,
    ...numbers,
    sketch: Buffer.alloc(0),
  }
}

/** Differs when any sample of the ring does, or their order. */
const fingerprint = (recent: Ring): number => {
  let sum = 0
  for (let index = 0; index < recent.length; index++) sum += (index + 1) * recent.at(index)
  return sum
}

const addTo = (row: { count: number; sum: number }, value: number): void => {
  if (value < 0) return // to be rejected
  row.count += 1
  row.sum += value
}

export const counting = definePipeline({
  name: 'counting',
  version: 1,
  inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
  state: { totals: row({ count: 0, sum: 0 }), recent: ring({ capacity: RING_SAMPLES }) },
  outputs: { counts: signalsRollups },
  windows: {
    tumbling: {
      input: 'points',
      window: tumbling({ sizeMs: WINDOWS.tumbling.sizeMs, graceMs: GRACE_MS }),
      row: { count: 0, sum: 0 },
      add: ({ value }, { row }) => addTo(row, value),
      close({ row: { count, sum } }, bounds, _state, context) {
        if (count > 0)
          context.emit('counts', rollup(context.key, 'tumbling', bounds, { count, sum }))
      },
    },
    hopping: {
      input: 'points',
      window: hopping({ ...WINDOWS.hopping, graceMs: GRACE_MS }),
      row: { count: 0, sum: 0 },
      add: ({ value }, { row }) => addTo(row, value),
      close({ row: { count, sum } }, bounds, _state, context) {
        if (count > 0)
          context.emit('counts', rollup(context.key, 'hopping', bounds, { count, sum }))
      },
    },
    session: {
      input: 'points',
      window: session({ ...SESSIONS, graceMs: GRACE_MS }),
      row: { count: 0, sum: 0 },
      add: ({ value }, { row }) => addTo(row, value),
      merge(target, source) {
        target.row.count += source.row.count
        target.row.sum += source.row.sum
      },
      close({ row: { count, sum } }, bounds, _state, context) {
        if (count > 0)
          context.emit('counts', rollup(context.key, 'session', bounds, { count, sum }))
      },
    },
  },
  on: {
    points({ timestamp, value }, { totals, recent }, context) {
      if (value < 0) {
        context.reject('values are counted from 0')
        return
      }
      totals.count += 1
      totals.sum += value
      recent.push(value)
      const { count, sum } = totals
      const ends = { min: recent.at(0), max: recent.at(recent.length - 1) }
      const numbers = { count, sum, ...ends, mean: fingerprint(recent) }
      const moment = { startMs: timestamp, endMs: timestamp }
      context.emit('counts', rollup(context.key, 'record', moment, numbers))
    },
  },
  keyIdleTtlMs: minutes(100_000),
  keyLimit: { perTask: 10_000, perGroup: 10_000, groupOf: () => '' },
})

/** Creates the product's topics and the pipeline's own, and registers their schemas. */
export const applyCounting = async (servers: {
  readonly cluster: KafkaCluster
  readonly connection: RegistryConnection
}): Promise<void> => {
  const { catalogue, internal } = productTopics({ spreadPartitions: PARTITIONS })
  const own = internalTopics(counting).map((topic) => ({ ...topic, partitions: PARTITIONS }))
  const { cluster, connection } = servers
  const { refusals } = await applyTopics([...catalogue, ...internal, ...wantedInternal(own)], {
    admin: kafkaTopicAdmin(cluster),
    registry: subjectRegistry(connection),
  })
  if (refusals.length > 0) throw new Error(JSON.stringify(refusals))
}

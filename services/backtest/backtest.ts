/**
 * Runs a pipeline again over its recorded inputs, in the recorded order, in memory: as it was, and
 * maybe beside it with another configuration.
 *
 * 1. The recorded outputs are read, and digested (output-ledger.ts).
 * 2. Task by task, the recorded order is followed to its end (lockstep.ts). It is read up to the
 *    high watermark, so that it covers the transactions whose outputs 1 has seen.
 * 3. What the baseline says is compared with what was recorded, byte for byte; what the candidate
 *    says with the baseline, output by output (output-diff.ts).
 *
 * State at the beginning of a period cannot be had from anywhere but its history: the run always
 * begins at the first record that is kept, and a period only chooses what is counted and listed.
 */
import {
  createRecordDecoder,
  schemaIdAt,
  WIRE_HEADER_BYTES,
} from '../../pipelines/runtime/avro/index.ts'
import { internalTopics, type Pipeline } from '../../pipelines/runtime/index.ts'
import {
  readToEnd,
  type KafkaCluster,
  type SchemaRegistryClient,
} from '../../pipelines/runtime/kafka/index.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import { taskInputs, type TaskInput } from '../../pipelines/runtime/task/task-inputs.ts'
import { orderSchema, type OrderRun } from '../../pipelines/runtime/topology/internal-schemas.ts'
import { orderTopic } from '../../pipelines/runtime/topology/internal-topics.ts'
import { ServiceError } from '../shared/errors.ts'
import { withConfig, type ConfigOverride } from './config-override.ts'
import { Lockstep, type Period } from './lockstep.ts'
import {
  joined,
  OutputDiff,
  type DiffCounts,
  type DiffResult,
  type DiffSide,
} from './output-diff.ts'
import { OutputLedger, type LedgerMismatch, type WrittenRecord } from './output-ledger.ts'
import { RecordFeed } from './record-feed.ts'

export interface BacktestOptions {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly pipeline: Pipeline
  /** Ids of registered schemas by topic, as the worker has them. */
  readonly schemaIds: ReadonlyMap<string, number>
  readonly period: Period
  /** What the candidate has instead of the recorded configuration; without it there is none. */
  readonly overrides?: readonly ConfigOverride[]
  /** How many differences of each kind and topic to keep. */
  readonly limit: number
  readonly onProgress?: (progress: BacktestProgress) => void
}

export interface BacktestProgress {
  readonly partition: number
  readonly partitions: number
  readonly records: number
}

export interface BacktestResult {
  /** Data records that arrived in the period. */
  readonly inputs: number
  readonly baseline: {
    /** Outputs that these led to. */
    readonly count: number
    /** Whether the whole run is what was recorded, byte for byte. */
    readonly reproduced: boolean
    readonly recorded: number
    /** Keys whose outputs differ from the recorded ones. */
    readonly differing: number
    readonly differences: readonly LedgerMismatch[]
    /** Why it may not, or cannot, be the same. */
    readonly reasons: readonly string[]
  }
  readonly candidate?: { readonly count: number }
  readonly diff?: DiffResult & { readonly countsByTopic: Readonly<Record<string, DiffCounts>> }
}

interface Counts {
  commits: number
  inputs: number
  readonly bySide: Record<DiffSide, number>
}

export const backtest = async (options: BacktestOptions): Promise<BacktestResult> => {
  const { cluster, pipeline, overrides } = options
  const source = Object.values(pipeline.inputs)[0]?.topic.name ?? ''
  const partitions = await cluster.partitionCount(source)
  const partitionCounts = await partitionCountsOf(cluster, pipeline)
  const reasons = await missingHistory(options, { partitions, partitionCounts })
  const ledger = new OutputLedger((topic) => isCompacted(pipeline, topic))
  reasons.push(...(await readRecorded(options, ledger, partitionCounts)))
  const topics = Object.values(pipeline.outputs).map(({ name }) => name)
  const diffs = overrides && new Map(topics.map((topic) => [topic, new OutputDiff(topic, options)]))
  const counts: Counts = { commits: 0, inputs: 0, bySide: { baseline: 0, candidate: 0 } }
  for (let partition = 0; partition < partitions; partition++) {
    await runPartition({
      ...options,
      partition,
      partitions,
      partitionCounts,
      ledger,
      diffs,
      counts,
    })
  }
  if (counts.commits === 0) throw nothingRecorded(pipeline)
  const { count: differing, shown: differences } = ledger.mismatches()
  const reproduced = differing === 0
  if (!reproduced && reasons.length === 0) {
    reasons.push(
      `nothing is missing, so another version of the code has written it, or topics were changed by hand`,
    )
  }
  return {
    inputs: counts.inputs,
    baseline: {
      count: counts.bySide.baseline,
      reproduced,
      recorded: ledger.recordedCount,
      ...{ differing, differences, reasons },
    },
    ...(diffs && { candidate: { count: counts.bySide.candidate }, diff: resultOf(diffs) }),
  }
}

interface PartitionRun extends BacktestOptions {
  readonly partition: number
  readonly partitions: number
  readonly partitionCounts: ReadonlyMap<string, number>
  readonly ledger: OutputLedger
  readonly diffs: ReadonlyMap<string, OutputDiff> | undefined
  readonly counts: Counts
}

const SIDES: readonly DiffSide[] = ['baseline', 'candidate']

const runPartition = async (run: PartitionRun): Promise<void> => {
  const { cluster, registry, pipeline, overrides, partition, partitions, ledger, diffs, counts } =
    run
  const feeds = new Map<string, RecordFeed>()
  const fetch = async ({ topic, partition: of }: TaskInput): Promise<RecordSet | undefined> => {
    const name = `${topic}/${of}`
    const feed = feeds.get(name) ?? new RecordFeed({ cluster, topic, partition: of })
    feeds.set(name, feed)
    return feed.next()
  }
  const values = new OutputValues(pipeline)
  const lockstep = new Lockstep({
    pipelines: [pipeline, ...(overrides ? [withConfig(pipeline, overrides)] : [])],
    ...{ partition, partitions, period: run.period, fetch },
    schemas: registry,
    settings: {
      partitionsOf: (topic) => knownOf(run.partitionCounts, topic),
      schemaIdOf: (topic) => knownOf(run.schemaIds, topic),
    },
    lookUp: async (id) => {
      await registry.lookUp(id)
    },
    onOutput(index, record, phase) {
      const side = SIDES[index] ?? 'candidate'
      if (side === 'baseline') ledger.produce(partition, record)
      if (phase !== 'inside') return
      counts.bySide[side] += 1
      diffs?.get(record.topic)?.add(side, values.read(record))
    },
    onSettled() {
      for (const diff of diffs?.values() ?? []) diff.settle()
    },
  })
  const topic = orderTopic(pipeline.name)
  const until = await cluster.listOffset({ topic, partition }, 'latest')
  const order = new RecordFeed({ cluster, topic, partition, until })
  feeds.set('order', order)
  const decoder = createRecordDecoder<{ runs: OrderRun[] }>({ writerSchema: orderSchema })
  try {
    for (let records = await order.next(); records; records = await order.next()) {
      while (records.next()) {
        const { buffer, valueStart, valueEnd } = records
        const { runs } = decoder.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd)
        await lockstep.follow(runs)
        counts.commits += 1
        run.onProgress?.({ partition, partitions, records: lockstep.records })
      }
    }
    lockstep.takeOutputs()
    counts.inputs += lockstep.recordsInside
  } finally {
    for (const feed of feeds.values()) feed.close()
  }
}

const resultOf = (diffs: ReadonlyMap<string, OutputDiff>) => {
  const results = [...diffs].map(([topic, diff]) => [topic, diff.finish()] as const)
  const countsByTopic = Object.fromEntries(results.map(([topic, { counts }]) => [topic, counts]))
  return { ...joined(results.map(([, result]) => result)), countsByTopic }
}

const nothingRecorded = ({ name }: Pipeline): ServiceError =>
  new ServiceError({
    code: 'INPUT_INVALID',
    message: `The pipeline '${name}' has recorded nothing: ${orderTopic(name)} is empty. Let its worker process something first.`,
  })

/** Outputs of this version as values; the tasks have just encoded them. */
class OutputValues {
  readonly #topics: ReadonlyMap<string, Pipeline['outputs'][string]>
  readonly #decoders = new Map<
    string,
    ReturnType<typeof createRecordDecoder<Record<string, unknown>>>
  >()

  constructor({ outputs }: Pipeline) {
    this.#topics = new Map(Object.values(outputs).map((topic) => [topic.name, topic]))
  }

  read({ topic: name, key, value: bytes }: WrittenRecord) {
    const topic = knownOf(this.#topics, name)
    let decoder = this.#decoders.get(name)
    if (decoder === undefined) {
      decoder = createRecordDecoder<Record<string, unknown>>({ writerSchema: topic.schema })
      this.#decoders.set(name, decoder)
    }
    const value = decoder.decode(bytes!, WIRE_HEADER_BYTES, bytes!.length)
    const { field, unit } = topic.eventTime
    const eventTimeMs = Number(value[field]) / (unit === 'us' ? 1_000 : 1)
    return { key: key?.toString('utf8') ?? '', eventTimeMs, value }
  }
}

/** Into the ledger; returns why the outputs cannot be what this version writes. */
const readRecorded = async (
  { cluster, pipeline, schemaIds }: BacktestOptions,
  ledger: OutputLedger,
  partitionCounts: ReadonlyMap<string, number>,
): Promise<string[]> => {
  const reasons: string[] = []
  for (const { name: topic } of Object.values(pipeline.outputs)) {
    const foreignIds = new Set<number>()
    for (let partition = 0; partition < knownOf(partitionCounts, topic); partition++) {
      await readToEnd({
        ...{ cluster, topic, partition, until: 'last-stable' as const },
        onRecords(records) {
          while (records.next()) {
            const [key, value] = [records.key(), records.value()]
            ledger.record({ topic, partition, key, value })
            const id = value === null ? -1 : schemaIdAt(value, 0, value.length)
            if (id !== schemaIds.get(topic) && foreignIds.size < 10) foreignIds.add(id)
          }
        },
      })
    }
    if (foreignIds.size > 0) {
      reasons.push(
        `${topic} holds records of another version's schema (id ${[...foreignIds].join(', ')}; this version's is ${String(schemaIds.get(topic))})`,
      )
    }
  }
  return reasons
}

/** What retention has taken of the recorded run. */
const missingHistory = async (
  { cluster, pipeline }: BacktestOptions,
  layout: { readonly partitions: number; readonly partitionCounts: ReadonlyMap<string, number> },
): Promise<string[]> => {
  const partitionsOf = (topic: string): number => knownOf(layout.partitionCounts, topic)
  const topics = new Set([orderTopic(pipeline.name)])
  for (const { topic } of taskInputs(pipeline, {
    partition: 0,
    partitions: layout.partitions,
    partitionsOf,
  }))
    topics.add(topic)
  for (const { name } of Object.values(pipeline.outputs)) {
    if (!isCompacted(pipeline, name)) topics.add(name)
  }
  const reasons: string[] = []
  for (const topic of topics) {
    const all = Array.from({ length: partitionsOf(topic) }, (_, partition) => ({
      topic,
      partition,
    }))
    const cut = (await cluster.listOffsets(all, 'earliest')).filter(({ offset }) => offset > 0)
    const [first] = cut.sort((a, b) => a.partition - b.partition)
    if (first === undefined) continue
    reasons.push(
      `records before offset ${first.offset} of ${topic}/${first.partition} have expired` +
        (cut.length > 1 ? `, and in ${cut.length - 1} more of its partitions` : ''),
    )
  }
  return reasons
}

const partitionCountsOf = async (
  cluster: KafkaCluster,
  pipeline: Pipeline,
): Promise<ReadonlyMap<string, number>> => {
  const names = new Set([
    ...taskInputs(pipeline, { partition: 0, partitions: 1, partitionsOf: () => 1 }).map(
      ({ topic }) => topic,
    ),
    ...Object.values(pipeline.outputs).map(({ name }) => name),
    ...internalTopics(pipeline).map(({ name }) => name),
  ])
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, await cluster.partitionCount(name))
  return counts
}

const isCompacted = ({ outputs }: Pipeline, topic: string): boolean =>
  Object.values(outputs).some(
    ({ name, retention }) => name === topic && retention.cleanup.includes('compact'),
  )

const knownOf = <Value>(map: ReadonlyMap<string, Value>, topic: string): Value => {
  const value = map.get(topic)
  if (value === undefined) throw new Error(`Nothing is known of topic '${topic}'`)
  return value
}

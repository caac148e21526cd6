/**
 * Is everything in ClickHouse that is in Kafka, and once? Reads the topic again, read_committed and
 * on its own, and compares offsets with those of the rows.
 *
 * What the log no longer has (retention, compaction) cannot be compared: rows of such offsets are
 * fine. A record without a row must be among the dead letters.
 */
import type { ClickHouseClient } from '@clickhouse/client'
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import { ORIGIN_HEADERS } from '../../pipelines/runtime/task/side-outputs.ts'
import { DEAD_LETTER_TOPIC } from './dead-letters.ts'
import { topicIdOf } from './kafka-partition.ts'
import { RunCollector, sizeOf, without, type OffsetRun } from './offset-runs.ts'
import type { SinkTable } from './tables.ts'

export interface VerifyOptions {
  readonly cluster: KafkaCluster
  readonly client: ClickHouseClient
  readonly table: SinkTable
  readonly deadLetterTopic?: string
}

export interface PartitionVerdict {
  readonly partition: number
  /** Committed records that the log has now, without tombstones. */
  readonly records: number
  /** Rows of offsets that the log has now. */
  readonly rows: number
  readonly deadLetters: number
  /** Records that are neither a row nor a dead letter. */
  readonly missing: number
  readonly missingOffsets: readonly OffsetRun[]
  /** Rows that share their offset with another one. */
  readonly doubled: number
  /** Rows of offsets that hold no committed record though the log still has them. */
  readonly unexpected: number
}

export interface TopicVerdict {
  readonly topic: string
  readonly topicId: string
  readonly ok: boolean
  readonly partitions: readonly PartitionVerdict[]
}

const SHOWN_RUNS = 20

export const verifyTopic = async (options: VerifyOptions): Promise<TopicVerdict> => {
  const { cluster, table, deadLetterTopic = DEAD_LETTER_TOPIC } = options
  const topic = table.topic.name
  const topicId = await topicIdOf(cluster, topic)
  const count = await cluster.partitionCount(topic)
  const letters = await deadLettersOf(cluster, { deadLetterTopic, topic })
  const partitions = await Promise.all(
    Array.from({ length: count }, (_, partition) =>
      verifyPartition(options, { topicId, partition, letters: letters.get(partition) ?? [] }),
    ),
  )
  const ok = partitions.every((each) => each.missing + each.doubled + each.unexpected === 0)
  return { topic, topicId, ok, partitions }
}

interface PartitionQuestion {
  readonly topicId: string
  readonly partition: number
  readonly letters: readonly number[]
}

const verifyPartition = async (
  { cluster, client, table }: VerifyOptions,
  { topicId, partition, letters }: PartitionQuestion,
): Promise<PartitionVerdict> => {
  const records = new RunCollector()
  // Tombstones of a compacted topic are no facts to keep.
  const isCompacted = table.topic.retention.cleanup.includes('compact')
  const { startOffset, endOffset } = await readToEnd({
    cluster,
    topic: table.topic.name,
    partition,
    until: 'last-stable',
    channel: `verify/${table.topic.name}/${String(partition)}`,
    onRecords: (set) => {
      while (set.next()) if (set.valueStart >= 0 || !isCompacted) records.add(set.offset)
    },
  })
  const bounds = { first: startOffset, last: endOffset - 1 }
  const rows = await rowsOf(client, { table: table.table, topicId, partition, bounds })
  const dead = runsOf(letters.filter((offset) => offset >= startOffset && offset < endOffset))
  const missing = without(without(records.runs, rows.runs), dead)
  return {
    partition,
    records: records.count,
    rows: rows.count,
    deadLetters: sizeOf(dead),
    missing: sizeOf(missing),
    missingOffsets: missing.slice(0, SHOWN_RUNS),
    doubled: rows.count - sizeOf(rows.runs),
    unexpected: isCompacted ? 0 : sizeOf(without(rows.runs, records.runs)),
  }
}

interface RowsQuestion {
  readonly table: string
  readonly topicId: string
  readonly partition: number
  readonly bounds: OffsetRun
}

/** Runs are found by ClickHouse: offsets minus their rank are equal within a run. */
const rowsOf = async (
  client: ClickHouseClient,
  { table, topicId, partition, bounds }: RowsQuestion,
): Promise<{ readonly count: number; readonly runs: readonly OffsetRun[] }> => {
  const result = await client.query({
    query: `
      SELECT min(offset) AS first, max(offset) AS last, sum(copies) AS copies
      FROM (
        SELECT offset, copies, offset - row_number() OVER (ORDER BY offset) AS run
        FROM (
          SELECT _offset AS offset, count() AS copies FROM ${table}
          WHERE _topic_id = {topicId:String} AND _partition = {partition:Int32}
            AND _offset BETWEEN {first:Int64} AND {last:Int64}
          GROUP BY offset
        )
      )
      GROUP BY run ORDER BY first`,
    query_params: { topicId, partition, ...bounds },
    format: 'JSONEachRow',
  })
  const found = await result.json<Record<'first' | 'last' | 'copies', string | number>>()
  return {
    count: found.reduce((sum, { copies }) => sum + Number(copies), 0),
    runs: found.map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
  }
}

/** Offsets of dead letters by origin partition, repetitions included. */
const deadLettersOf = async (
  cluster: KafkaCluster,
  { deadLetterTopic, topic }: { deadLetterTopic: string; topic: string },
): Promise<ReadonlyMap<number, readonly number[]>> => {
  const found = new Map<number, number[]>()
  const [known] = await cluster.metadata([deadLetterTopic])
  const count = known?.errorCode === 0 ? known.partitions.length : 0
  const collect = (records: RecordSet): void => {
    while (records.next()) {
      const origin = originOf(records)
      if (origin.topic !== topic) continue
      const offsets = found.get(origin.partition) ?? []
      found.set(origin.partition, offsets)
      offsets.push(origin.offset)
    }
  }
  for (let partition = 0; partition < count; partition += 1) {
    await readToEnd({
      cluster,
      topic: deadLetterTopic,
      partition,
      until: 'last-stable',
      onRecords: collect,
    })
  }
  return found
}

const originOf = (records: RecordSet) => {
  const headers = new Map(records.headers().map(({ key, value }) => [key, value?.toString() ?? '']))
  return {
    topic: headers.get(ORIGIN_HEADERS.topic),
    partition: Number(headers.get(ORIGIN_HEADERS.partition)),
    offset: Number(headers.get(ORIGIN_HEADERS.offset)),
  }
}

const runsOf = (offsets: readonly number[]): readonly OffsetRun[] => {
  const collector = new RunCollector()
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) collector.add(offset)
  return collector.runs
}

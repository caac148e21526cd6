/**
 * Is everything in ClickHouse that is in Kafka, and once? Reads the topic again, read_committed and
 * on its own, and compares offsets with those of the rows.
 *
 * What the log no longer has (retention, compaction) cannot be compared: rows of such offsets are
 * fine. A record without a row must be among the dead letters.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ClickHouseClient } from '@clickhouse/client'
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { readLetter } from '../dead-letters/letter.ts'
import { storedRecordOf, type StoredRecord } from '../records/record-line.ts'
import { SINK_DEAD_LETTERS } from '../topics/wanted-topic.ts'
import { topicIdOf } from './kafka-partition.ts'
import { RunCollector, sizeOf, without, type OffsetRun } from './offset-runs.ts'
import { storeError } from './store-error.ts'
import type { SinkTable } from './tables.ts'

export interface VerifyOptions {
  readonly cluster: KafkaCluster
  readonly client: ClickHouseClient
  readonly table: SinkTable
  readonly deadLetterTopic?: string
  /** How long a record may still be on its way; at once when absent. */
  readonly waitMs?: number
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
const POLL_MS = 250

export const verifyTopic = async (options: VerifyOptions): Promise<TopicVerdict> => {
  const { cluster, table, deadLetterTopic = SINK_DEAD_LETTERS, waitMs = 0 } = options
  const topic = table.topic.name
  const topicId = await topicIdOf(cluster, topic)
  const count = await cluster.partitionCount(topic)
  const logs = await Promise.all(
    Array.from({ length: count }, (_, partition) => readLog(options, partition)),
  )
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    const letters = await deadLettersOf(cluster, { deadLetterTopic, topic })
    const partitions = await Promise.all(
      logs.map((log) => verifyPartition(options, { topicId, log, letters })),
    )
    const ok = partitions.every((each) => each.missing + each.doubled + each.unexpected === 0)
    // Only a missing record can still come.
    const mayCome = partitions.some(({ missing }) => missing > 0)
    if (mayCome && performance.now() < deadlineMs) await delay(POLL_MS)
    else return { topic, topicId, ok, partitions }
  }
}

/** What one partition of Kafka holds, read once: records that come later are not asked for. */
interface PartitionLog {
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number
  readonly records: RunCollector
}

const readLog = async (
  { cluster, table }: VerifyOptions,
  partition: number,
): Promise<PartitionLog> => {
  const records = new RunCollector()
  const { startOffset, endOffset } = await readToEnd({
    cluster,
    topic: table.topic.name,
    partition,
    until: 'last-stable',
    channel: `verify/${table.topic.name}/${String(partition)}`,
    onRecords: (set) => {
      // Tombstones of a compacted topic are no facts to keep.
      while (set.next())
        if (set.valueStart >= 0 || set.fault !== undefined || !isCompacted(table))
          records.add(set.offset)
    },
  })
  return { partition, startOffset, endOffset, records }
}

const isCompacted = ({ topic }: SinkTable): boolean => topic.retention.cleanup.includes('compact')

interface PartitionQuestion {
  readonly topicId: string
  readonly log: PartitionLog
  readonly letters: ReadonlyMap<number, readonly number[]>
}

const verifyPartition = async (
  { client, table }: VerifyOptions,
  { topicId, log, letters }: PartitionQuestion,
): Promise<PartitionVerdict> => {
  const { partition, startOffset, endOffset, records } = log
  const bounds = { first: startOffset, last: endOffset - 1 }
  const rows = await rowsOf(client, { table: table.table, topicId, partition, bounds })
  const dead = runsOf(
    (letters.get(partition) ?? []).filter((offset) => offset >= startOffset && offset < endOffset),
  )
  const missing = without(without(records.runs, rows.runs), dead)
  return {
    partition,
    records: records.count,
    rows: rows.count,
    deadLetters: sizeOf(dead),
    missing: sizeOf(missing),
    missingOffsets: missing.slice(0, SHOWN_RUNS),
    doubled: rows.count - sizeOf(rows.runs),
    unexpected: isCompacted(table) ? 0 : sizeOf(without(rows.runs, records.runs)),
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
  question: RowsQuestion,
): Promise<{ readonly count: number; readonly runs: readonly OffsetRun[] }> => {
  const found = await queryRuns(client, question)
  return {
    count: found.reduce((sum, { copies }) => sum + Number(copies), 0),
    runs: found.map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
  }
}

const queryRuns = async (
  client: ClickHouseClient,
  { table, topicId, partition, bounds }: RowsQuestion,
): Promise<Record<'first' | 'last' | 'copies', string | number>[]> => {
  try {
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
    return await result.json()
  } catch (error) {
    throw storeError(`read of ${table}`, error)
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
  const collect = (record: StoredRecord): void => {
    const letter = readLetter(record)
    if (letter.kind === 'mark' || letter.origin?.topic !== topic) return
    const { partition, offset } = letter.origin
    const offsets = found.get(partition) ?? []
    found.set(partition, offsets)
    offsets.push(offset)
  }
  for (let partition = 0; partition < count; partition += 1) {
    await readToEnd({
      cluster,
      topic: deadLetterTopic,
      partition,
      until: 'last-stable',
      onRecords: (records) => {
        while (records.next()) collect(storedRecordOf(partition, records))
      },
    })
  }
  return found
}

const runsOf = (offsets: readonly number[]): readonly OffsetRun[] => {
  const collector = new RunCollector()
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) collector.add(offset)
  return collector.runs
}

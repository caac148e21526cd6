/** Reads dead-letter topics from their newest so many records on. */
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { partitionsOf } from '../records/follow-topic.ts'
import { storedRecordOf } from '../records/record-line.ts'
import { readLetter, type Letter, type RedriveMark } from './letter.ts'

export interface ScanOptions {
  readonly cluster: KafkaCluster
  readonly topic: string
  /** Records per partition, newest ones; Infinity for all. */
  readonly newest: number
  readonly onEntry: (entry: Letter | RedriveMark) => Promise<void> | void
}

/** Answers whether it saw everything that is there. */
export const scanTopic = async ({
  cluster,
  topic,
  newest,
  onEntry,
}: ScanOptions): Promise<{ readonly complete: boolean }> => {
  const partitions = await partitionsOf(cluster, topic)
  const starts = await cluster.listOffsets(partitions, 'earliest')
  const ends = await cluster.listOffsets(partitions, 'latest-committed')
  let complete = true
  starts.sort((a, b) => a.partition - b.partition)
  for (const { partition, offset: start } of starts) {
    const end = ends.find((found) => found.partition === partition)?.offset ?? start
    const from = Math.max(start, end - newest)
    if (from > start) complete = false
    await readToEnd({
      cluster,
      topic,
      partition,
      fromOffset: from,
      until: end,
      onRecords: async (records) => {
        while (records.next()) await onEntry(readLetter(storedRecordOf(partition, records)))
      },
    })
  }
  return { complete }
}

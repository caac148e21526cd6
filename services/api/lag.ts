/** How far ClickHouse is behind Kafka: what a reader could see there and not yet here. */
import type { ConsumerLag } from './ports.ts'
import type { Storage } from './queries/storage.ts'

export interface PartitionEnd {
  readonly partition: number
  /** Offset behind the last record that a read_committed reader can reach. */
  readonly offset: number
}

interface PositionRow {
  readonly topic: string
  readonly partition: number
  readonly next_offset: number
}

const sinkGroup = 'sink'

export const sinkLag = async (
  storage: Storage,
  endsOf: (topic: string) => Promise<readonly PartitionEnd[]>,
): Promise<ConsumerLag[]> => {
  // The newest topic id of a name: offsets of a deleted topic of the same name mean nothing here.
  const positions = await storage.rows<PositionRow>({
    sql: `
      SELECT topic, partition, max(last_offset) + 1 AS next_offset
      FROM sink_blocks
      WHERE state = 'done'
        AND (topic, topic_id) IN (SELECT topic, argMax(topic_id, recorded_at) FROM sink_blocks GROUP BY topic)
      GROUP BY topic, partition`,
  })
  const topics = [...new Set(positions.map(({ topic }) => topic))].sort()
  return Promise.all(
    topics.map(async (topic) => {
      const own = positions.filter((position) => position.topic === topic)
      return { group: sinkGroup, topic, records: recordsBehind(own, await endsOf(topic)) }
    }),
  )
}

/** A partition without a position has been read from nowhere yet: all of it is to be read. */
export const recordsBehind = (
  positions: readonly Omit<PositionRow, 'topic'>[],
  ends: readonly PartitionEnd[],
): number => {
  const reached = new Map(positions.map(({ partition, next_offset }) => [partition, next_offset]))
  return ends.reduce(
    (sum, { partition, offset }) => sum + Math.max(0, offset - (reached.get(partition) ?? 0)),
    0,
  )
}

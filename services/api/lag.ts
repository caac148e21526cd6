/**
 * How far behind: ClickHouse behind Kafka (what a reader could see there and not yet here), and each
 * pipeline behind its inputs, as the processes that run it say in their metrics.
 */
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
      return { consumer: 'sink', topic, records: recordsBehind(own, await endsOf(topic)) }
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

const scrapeDeadlineMs = 1_000

/** A process that does not answer has no lag to tell; its probe says that it is away. */
export const pipelineLag = async (baseUrls: readonly string[]): Promise<ConsumerLag[]> => {
  const texts = await Promise.all(
    baseUrls.map(async (baseUrl) => {
      try {
        const signal = AbortSignal.timeout(scrapeDeadlineMs)
        const response = await fetch(new URL('/metrics', baseUrl), { signal })
        return await response.text()
      } catch {
        return ''
      }
    }),
  )
  return lagInMetrics(texts.join('\n'))
}

const lagLine = /^worker_lag_records\{[^}]*pipeline="([^"]+)"[^}]*\} (\d+)/gm

/** Summed over partitions and processes. */
export const lagInMetrics = (text: string): ConsumerLag[] => {
  const sums = new Map<string, number>()
  for (const [, pipeline = '', records = '0'] of text.matchAll(lagLine)) {
    sums.set(pipeline, (sums.get(pipeline) ?? 0) + Number(records))
  }
  return [...sums].map(([consumer, records]) => ({ consumer, topic: null, records }))
}

/**
 * What a topic declaration means as settings of a Kafka topic. Shared by `millrace topics apply`
 * and the AsyncAPI document, so that they cannot disagree.
 */
import type { Retention, Topic } from './topic.ts'

const MIB = 1024 * 1024
const SMALLEST_SEGMENT_BYTES = 8 * MIB
const LARGEST_SEGMENT_BYTES = 256 * MIB
const HOUR_MS = 3_600_000

/** Kafka topic settings, as strings, as the admin protocol has them. */
export type TopicSettings = Readonly<Record<string, string>>

/**
 * Kafka deletes only closed segments, so a partition takes up to `retention.bytes` plus one
 * segment; an eighth keeps the overshoot small without thousands of files.
 */
export const segmentBytesOf = ({ bytes }: Retention): number =>
  bytes < 0
    ? LARGEST_SEGMENT_BYTES
    : Math.min(LARGEST_SEGMENT_BYTES, Math.max(SMALLEST_SEGMENT_BYTES, Math.floor(bytes / 8)))

/** An open segment is closed after six hours, so that `retention.ms` is not outlived for long. */
export const segmentMsOf = ({ ms }: Retention): number =>
  ms < 0 ? 7 * 24 * HOUR_MS : Math.max(HOUR_MS, Math.min(6 * HOUR_MS, Math.floor(ms / 8)))

export const retentionSettings = (retention: Retention): TopicSettings => ({
  'cleanup.policy': retention.cleanup,
  'retention.ms': String(retention.ms),
  'retention.bytes': String(retention.bytes),
  'segment.bytes': String(segmentBytesOf(retention)),
  'segment.ms': String(segmentMsOf(retention)),
  // Arrival is the broker's time: producers' clocks may not delete or reorder anything.
  'message.timestamp.type': 'LogAppendTime',
})

export const partitionCountOf = (
  { partitions }: Pick<Topic<never>, 'partitions'>,
  spread: number,
): number => (partitions === 'spread' ? spread : partitions)

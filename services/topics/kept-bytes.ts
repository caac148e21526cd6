/** What topics take on the brokers at most before the oldest is deleted. Pure. */
import type { WantedTopic } from './wanted-topic.ts'

export interface TopicBound {
  readonly name: string
  /** Null: not by age. */
  readonly maxAgeSeconds: number | null
  /** Null: not by size. */
  readonly maxBytes: number | null
  /** Bounded by the number of keys instead: the latest of each stays. */
  readonly latestPerKey: boolean
}

/** A topic takes its bound and, in each partition, the segment that is still open. */
export const boundOf = ({ name, partitions, settings }: WantedTopic): TopicBound => {
  const number = (setting: string): number => Number(settings[setting])
  const [ms, bytes] = [number('retention.ms'), number('retention.bytes')]
  return {
    name,
    maxAgeSeconds: ms < 0 ? null : ms / 1000,
    maxBytes: bytes < 0 ? null : partitions * (bytes + number('segment.bytes')),
    latestPerKey: settings['cleanup.policy'] === 'compact',
  }
}

export const totalBytes = (bounds: readonly TopicBound[]): number =>
  bounds.reduce((sum, { maxBytes }) => sum + (maxBytes ?? 0), 0)

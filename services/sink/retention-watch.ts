/**
 * How near a partition is to losing records that were not read: by time and by size, whichever is
 * nearer. Pure.
 *
 * By size nobody says how many bytes lie before an offset; records stand in for bytes, and only
 * while the log is really being cut (it does not begin at 0).
 */
import type { PartitionProgress } from './partition-sink.ts'

/** Of the retention; then somebody is told. */
export const RETENTION_WARNING_RATIO = 0.5

export interface RetentionLimits {
  /** -1: for ever. */
  readonly ms: number
  readonly bytes: number
}

export const retentionUsed = (
  { committed, highWatermark, logStartOffset, oldestAppendMs }: PartitionProgress,
  limits: RetentionLimits,
  nowMs: number,
): number => {
  if (committed === undefined || committed >= highWatermark) return 0
  const byTime =
    limits.ms < 0 || oldestAppendMs === undefined ? 0 : (nowMs - oldestAppendMs) / limits.ms
  const isCut = limits.bytes >= 0 && logStartOffset > 0
  const bySize = isCut ? (highWatermark - committed) / (highWatermark - logStartOffset) : 0
  return Math.max(0, byTime, bySize)
}

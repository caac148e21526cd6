/**
 * Where the sink goes on with a partition. What can never be had any more is recorded as a gap, and
 * nothing is reset silently.
 */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { openPartition, type ProtocolPorts } from './block-protocol.ts'
import type { FormerTopic } from './block-store.ts'
import type { Gap, PartitionId } from './block.ts'

export interface StartPorts extends ProtocolPorts {
  readonly cluster: KafkaCluster
  /** Other topics of the name that the sink has written from, newest first. */
  readonly formerTopics: (id: PartitionId) => Promise<readonly FormerTopic[]>
  readonly gapFound: (gap: Gap) => void
  /** Aborts when the partition is given up. */
  readonly signal: AbortSignal
  /** Waits, or is woken because the partition is to be given up. */
  readonly pause: (ms: number) => Promise<void>
  readonly isStopping: () => boolean
}

const TRUNCATED_POLL_MS = 1_000

/** The first offset to be read. */
export const findStart = async (ports: StartPorts, id: PartitionId): Promise<number> => {
  const { next } = await openPartition(ports, id)
  const logStart = await offsetAt(ports, id, 'earliest')
  if (next === undefined) {
    await recordFormer(ports, id)
    return logStart
  }
  if (next < logStart) {
    const detail = `${logStart - next} offsets were deleted before they were read`
    const bounds = { fromOffset: next, toOffset: logStart - 1 }
    await recordGap(ports, { id, kind: 'retention', ...bounds, detail })
    return logStart
  }
  await untilLogReaches(ports, id, next)
  return next
}

/** A log shorter than what was read from it has lost records, and will reuse their offsets. */
const untilLogReaches = async (ports: StartPorts, id: PartitionId, next: number): Promise<void> => {
  for (;;) {
    const end = await offsetAt(ports, id, 'latest')
    if (end >= next || ports.isStopping()) return
    const detail = 'the log was cut: records that take these offsets anew are not read'
    const bounds = { fromOffset: end, toOffset: next - 1 }
    await recordGap(ports, { id, kind: 'log-truncated', ...bounds, detail })
    await ports.pause(TRUNCATED_POLL_MS)
  }
}

const recordFormer = async (ports: StartPorts, id: PartitionId): Promise<void> => {
  const former = await ports.persist('load', () => ports.formerTopics(id))
  for (const { topicId, lastOffset } of former) {
    const detail = `the topic was deleted and made again (id ${id.topicId}); what followed in the former one is unknown`
    const bounds = { fromOffset: lastOffset + 1, toOffset: null }
    await recordGap(ports, { id: { ...id, topicId }, kind: 'topic-recreated', ...bounds, detail })
  }
}

const recordGap = async (ports: StartPorts, gap: Gap): Promise<void> => {
  if (await ports.persist('gap', () => ports.store.recordGap(gap))) ports.gapFound(gap)
}

const offsetAt = (
  { cluster, persist, signal }: StartPorts,
  { topic, partition }: PartitionId,
  spec: 'earliest' | 'latest',
): Promise<number> =>
  persist('offsets', () => cluster.listOffset({ topic, partition }, spec, { signal }))

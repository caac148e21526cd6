/**
 * Waits until the workers have nothing left to do: by offsets, not by time. Their inputs are looked
 * at in the order in which records go through them: what one stage has committed is in the next.
 */
import { taskInputs } from '../../pipelines/runtime/task/task-inputs.ts'
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { counting } from './pipeline.ts'
import { PARTITIONS } from './plan.ts'
import { until } from './until.ts'

const STAGES = ['source', 'repartition'] as const

export const settled = async (options: {
  readonly cluster: KafkaCluster
  readonly groupId: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}): Promise<void> => {
  const { cluster, groupId, timeoutMs, signal } = options
  const partitionsOf = (): number => PARTITIONS
  const inputs = Array.from({ length: PARTITIONS }, (_, partition) =>
    taskInputs(counting, { partition, partitions: PARTITIONS, partitionsOf }),
  )
    .flat()
    .filter(({ kind }) => kind !== 'global')
  const rank = (kind: string): number => STAGES.findIndex((stage) => stage === kind)
  // Control topics first: they only say when a window closes.
  const inOrder = inputs.toSorted((a, b) => rank(a.kind) - rank(b.kind))
  const pending = async (): Promise<string | undefined> => {
    for (const { topic, partition } of inOrder) {
      const [committed] = await cluster.committedOffsets(groupId, [{ topic, partition }], {
        signal,
      })
      const offset = Math.max(0, committed?.offset ?? 0)
      if (await hasRecords(cluster, { topic, partition, offset })) return `${topic}/${partition}`
    }
    return undefined
  }
  const probe = async () => (await pending()) === undefined || undefined
  await until(probe, { what: 'the workers at the end of their inputs', timeoutMs, signal })
}

/** Behind the last record there may be markers of transactions, which nobody commits. */
const hasRecords = async (
  cluster: KafkaCluster,
  position: { readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<boolean> => {
  const { topic, partition, offset } = position
  const end = await cluster.listOffset({ topic, partition }, 'latest')
  const stable = await cluster.listOffset({ topic, partition }, 'latest-committed')
  if (stable < end) return true
  let found = false
  await readToEnd({
    cluster,
    topic,
    partition,
    fromOffset: offset,
    until: end,
    onRecords(records) {
      found ||= records.next()
    },
  })
  return found
}

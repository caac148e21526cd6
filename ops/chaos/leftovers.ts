/**
 * A foreign transactional producer writes into the changelogs of a task: for every key that is there
 * the entry of another one. Each entry can be read; none of it is true. The transaction is aborted,
 * or left open until the broker does it.
 */
import {
  readToEnd,
  TransactionalProducer,
  type KafkaCluster,
  type OutputBatches,
} from '../../pipelines/runtime/kafka/index.ts'
import { RecordBatchBuilder } from '../../pipelines/runtime/record/index.ts'
import { internalTopics } from '../../pipelines/runtime/index.ts'
import { counting } from './pipeline.ts'
import { shuffled, type Random } from './random.ts'
import { until } from './until.ts'

/** The broker looks every ten seconds for transactions that were left open too long. */
const LOOKS_MS = 40_000
const BATCH_BYTES = 500_000

export interface Leftovers {
  readonly entries: number
  readonly topics: readonly string[]
  readonly partition: number
}

interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

const changelogs = internalTopics(counting).flatMap(({ name, kind }) =>
  kind === 'changelog' ? [name] : [],
)

/** Writes the entries and aborts; with `openMs` it leaves the transaction to the broker for so long. */
export const leaveEntries = async (options: {
  readonly cluster: KafkaCluster
  readonly transactionalId: string
  readonly partition: number
  readonly random: Random
  readonly openMs?: number
}): Promise<Leftovers> => {
  const { cluster, transactionalId, partition, random, openMs } = options
  const batches: OutputBatches[] = []
  let entries = 0
  for (const topic of changelogs) {
    const found = await entriesOf(cluster, { topic, partition })
    entries += found.length
    if (found.length > 0) batches.push({ topic, partition, builders: exchanged(found, random) })
  }
  const stop = new Error('the transaction ends here')
  const producer = new TransactionalProducer({
    cluster,
    transactionalId,
    ...(openMs === undefined ? {} : { transactionTimeoutMs: openMs }),
    onStage(stage) {
      if (stage === 'produced') throw stop
    },
  })
  await producer.init()
  const group = { groupId: transactionalId, memberId: '', generationId: -1 }
  await producer.commit({ batches, offsets: [], group }).then(
    () => {
      throw new Error('a foreign transaction was committed')
    },
    (error: unknown) => {
      if (!(error instanceof Error) || error.cause !== stop) throw error
    },
  )
  if (openMs === undefined) await producer.abort()
  producer.close()
  return { entries, topics: batches.map(({ topic }) => topic), partition }
}

/** Whether a transaction is open in any of the changelogs: this one, as long as nobody runs the task. */
export const isOpen = async (cluster: KafkaCluster, { topics, partition }: Leftovers) => {
  const asked = topics.map((topic) => ({ topic, partition }))
  const ends = await cluster.listOffsets(asked, 'latest')
  const stable = await cluster.listOffsets(asked, 'latest-committed')
  return ends.some(({ topic, offset }) =>
    stable.some((other) => other.topic === topic && other.offset < offset),
  )
}

/** Resolves when the broker has aborted it. The task's own transactions come and go meanwhile. */
export const aborted = async (
  cluster: KafkaCluster,
  leftovers: Leftovers,
  { openMs, signal }: { readonly openMs: number; readonly signal: AbortSignal },
): Promise<void> => {
  const probe = async () => !(await isOpen(cluster, leftovers)) || undefined
  const what = 'an open transaction aborted by the broker'
  await until(probe, { what, timeoutMs: openMs + LOOKS_MS, signal })
}

/** The newest entry per key, committed or not: it is to look real. */
const entriesOf = async (
  cluster: KafkaCluster,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): Promise<Entry[]> => {
  const entries = new Map<string, Entry>()
  await readToEnd({
    cluster,
    topic,
    partition,
    until: 'last-stable',
    channel: `leftovers/${topic}/${partition}`,
    onRecords(records) {
      while (records.next()) {
        const [key, value] = [records.key(), records.value()]
        if (key === null) continue
        const id = key.toString('latin1')
        if (value === null) entries.delete(id)
        else entries.set(id, { key: Buffer.from(key), value: Buffer.from(value) })
      }
    },
  })
  return [...entries.values()]
}

const exchanged = (entries: readonly Entry[], random: Random): RecordBatchBuilder[] => {
  const values = shuffled(entries, random)
  const builders: RecordBatchBuilder[] = []
  let builder: RecordBatchBuilder | undefined
  for (const [index, { key }] of entries.entries()) {
    if (builder === undefined || builder.sizeBytes > BATCH_BYTES) {
      builder = new RecordBatchBuilder()
      builders.push(builder)
    }
    builder.appendRecord(key, values[index]?.value ?? null)
  }
  return builders
}

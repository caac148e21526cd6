/**
 * Hands out the records of all partitions of a topic as they come, one after the other.
 *
 * The handler may wait: the fetcher then holds back by bytes. Ends when the handler says so or the
 * signal aborts.
 */
import {
  Fetcher,
  KafkaError,
  type FetchedRecords,
  type KafkaCluster,
  type OffsetSpec,
  type TopicPartitionOffset,
} from '../../pipelines/runtime/kafka/index.ts'
import { storedRecordOf, type StoredRecord } from './record-line.ts'

export interface FollowOptions {
  readonly cluster: KafkaCluster
  readonly topic: string
  readonly from: OffsetSpec
  readonly signal: AbortSignal
  /** False ends the reading. */
  readonly onRecord: (record: StoredRecord) => Promise<boolean> | boolean
  /** Records between a position and the start of the log are gone (retention). */
  readonly onGap: (partition: number, fromOffset: number, toOffset: number) => void
}

export const followTopic = async (options: FollowOptions): Promise<void> => {
  const { cluster, topic, signal } = options
  const queue: FetchedRecords[] = []
  let failure: Error | undefined
  let wake = Promise.withResolvers<undefined>()
  const signalled = () => {
    wake.resolve(undefined)
  }
  const fetcher = new Fetcher({
    cluster,
    name: `follow/${topic}`,
    onRecords: (fetched) => {
      if (fetched.records.sizeBytes === 0) {
        fetched.release()
        return
      }
      queue.push(fetched)
      signalled()
    },
    onOffsetOutOfRange: (position) => {
      void cluster.listOffset(position, 'earliest').then(
        (offset) => {
          options.onGap(position.partition, position.offset, offset)
          fetcher.seek({ ...position, offset })
        },
        (error: unknown) => {
          failure = error as Error
          signalled()
        },
      )
    },
    onError: (_, error) => {
      failure = error
      signalled()
    },
  })
  signal.addEventListener('abort', signalled)
  try {
    fetcher.assign(await startPositions(options))
    while (!signal.aborted) {
      const fetched = queue.shift()
      if (fetched === undefined) {
        if (failure !== undefined) throw failure
        await wake.promise
        wake = Promise.withResolvers()
        continue
      }
      const goOn = await handOut(fetched, options)
      fetched.release()
      if (!goOn) return
    }
  } finally {
    signal.removeEventListener('abort', signalled)
    await fetcher.close()
  }
}

const handOut = async (
  { partition, records }: FetchedRecords,
  { onRecord, signal }: FollowOptions,
): Promise<boolean> => {
  while (records.next()) {
    const answer = onRecord(storedRecordOf(partition, records))
    if (!(typeof answer === 'boolean' ? answer : await answer) || signal.aborted) return false
  }
  return true
}

const startPositions = async ({
  cluster,
  topic,
  from,
}: FollowOptions): Promise<TopicPartitionOffset[]> => {
  const partitions = await partitionsOf(cluster, topic)
  const found = await cluster.listOffsets(partitions, from)
  if (found.every(({ offset }) => offset >= 0)) return found
  // Nothing at or after the time asked for: whatever comes next.
  const ends = await cluster.listOffsets(partitions, 'latest-committed')
  return found.map((position) => {
    const end = ends.find(({ partition }) => partition === position.partition)
    return position.offset >= 0 ? position : { ...position, offset: end?.offset ?? 0 }
  })
}

/** Throws TOPIC_UNKNOWN at once: waiting for a topic that may be misspelt helps nobody. */
export const partitionsOf = async (
  cluster: KafkaCluster,
  topic: string,
): Promise<{ topic: string; partition: number }[]> => {
  const [found] = await cluster.metadata([topic])
  if (found === undefined || found.errorCode !== 0) {
    throw new KafkaError(
      'TOPIC_UNKNOWN',
      `There is no topic '${topic}'; \`millrace topics list\` shows which there are`,
    )
  }
  return found.partitions.map(({ partition }) => ({ topic, partition }))
}

/** Fetch v11 without fetch sessions. Record bytes stay views on the response. */
import type { AbortedTransaction } from '../../record/index.ts'
import { readByTopic } from './api.ts'
import type { Api, TopicPartition } from './api.ts'

export type Isolation = 'read_committed' | 'read_uncommitted'

export interface FetchPosition extends TopicPartition {
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchRequest {
  readonly isolation: Isolation
  /** The broker answers when `minBytes` are there or this time is over. */
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  /** In the order in which the broker is to fill `maxBytes`. */
  readonly positions: readonly FetchPosition[]
}

export interface FetchedBytes extends TopicPartition {
  readonly errorCode: number
  /** -1 when the broker does not know (with an error). */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly bytes: Buffer
}

export interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedBytes[]
}

export const isolationLevel = (isolation: Isolation): number =>
  isolation === 'read_committed' ? 1 : 0

const CONSUMER_REPLICA_ID = -1
const NO_SESSION_EPOCH = -1
const UNKNOWN = -1

/** Keeps the given order: only neighbours of one topic are put together. */
function runsByTopic(positions: readonly FetchPosition[]): FetchPosition[][] {
  const runs: FetchPosition[][] = []
  for (const position of positions) {
    const last = runs.at(-1)
    if (last?.[0]?.topic === position.topic) last.push(position)
    else runs.push([position])
  }
  return runs
}

export const fetchApi: Api<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  version: 11,
  flexible: false,
  write(writer, request) {
    writer.int32(CONSUMER_REPLICA_ID)
    writer.int32(request.maxWaitMs)
    writer.int32(request.minBytes)
    writer.int32(request.maxBytes)
    writer.int8(isolationLevel(request.isolation))
    writer.int32(0)
    writer.int32(NO_SESSION_EPOCH)
    writer.array(runsByTopic(request.positions), (run) => {
      writer.string(run[0]?.topic ?? '')
      writer.array(run, ({ partition, offset, maxBytes }) => {
        writer.int32(partition)
        writer.int32(UNKNOWN) // leader epoch
        writer.int64(offset)
        writer.int64(UNKNOWN) // log start offset
        writer.int32(maxBytes)
      })
    })
    writer.array([], () => undefined) // forgotten topics
    writer.string('') // rack
  },
  read(reader) {
    reader.int32() // throttle time
    const errorCode = reader.int16()
    reader.int32() // session id
    const partitions = readByTopic(reader, (topic, partition): FetchedBytes => {
      const partitionErrorCode = reader.int16()
      const highWatermark = reader.int64()
      const lastStableOffset = reader.int64()
      const logStartOffset = reader.int64()
      const abortedTransactions = reader.array(() => ({
        producerId: reader.int64(),
        firstOffset: reader.int64(),
      }))
      reader.int32() // preferred read replica
      const bytes = reader.bytes()
      return {
        topic,
        partition,
        errorCode: partitionErrorCode,
        highWatermark,
        lastStableOffset,
        logStartOffset,
        abortedTransactions,
        bytes,
      }
    })
    return { errorCode, partitions }
  },
}

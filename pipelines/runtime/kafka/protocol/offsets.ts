/** ListOffsets v5, OffsetFetch v7, OffsetCommit v7. */
import { isolationLevel } from './fetch.ts'
import type { Isolation } from './fetch.ts'
import { readByTopic, writeByTopic } from './api.ts'
import type { Api, TopicPartition, TopicPartitionOffset } from './api.ts'

const CONSUMER_REPLICA_ID = -1
const UNKNOWN_EPOCH = -1

/** Special timestamps of ListOffsets. */
export const LATEST_TIMESTAMP = -1
export const EARLIEST_TIMESTAMP = -2

export interface ListOffsetsRequest {
  /** Decides what "latest" is: high watermark (uncommitted) or last stable offset (committed). */
  readonly isolation: Isolation
  readonly timestampMs: number
  readonly partitions: readonly TopicPartition[]
}

export interface ListedOffset extends TopicPartitionOffset {
  readonly errorCode: number
  readonly timestampMs: number
}

export const listOffsetsApi: Api<ListOffsetsRequest, readonly ListedOffset[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 5,
  flexible: false,
  write(writer, request) {
    writer.int32(CONSUMER_REPLICA_ID)
    writer.int8(isolationLevel(request.isolation))
    writeByTopic(writer, request.partitions, ({ partition }) => {
      writer.int32(partition)
      writer.int32(UNKNOWN_EPOCH)
      writer.int64(request.timestampMs)
    })
  },
  read(reader) {
    reader.int32() // throttle time
    return readByTopic(reader, (topic, partition): ListedOffset => {
      const errorCode = reader.int16()
      const timestampMs = reader.int64()
      const offset = reader.int64()
      reader.int32() // leader epoch
      return { topic, partition, errorCode, timestampMs, offset }
    })
  },
}

export interface OffsetFetchRequest {
  readonly groupId: string
  readonly partitions: readonly TopicPartition[]
  /** Answer UNSTABLE_OFFSET_COMMIT while a transaction over the partition's offset is open. */
  readonly requireStable: boolean
}

export interface FetchedOffset extends TopicPartitionOffset {
  readonly errorCode: number
  readonly metadata: string | null
}

export interface OffsetFetchResponse {
  readonly errorCode: number
  /** Offset -1: nothing committed. */
  readonly offsets: readonly FetchedOffset[]
}

export const offsetFetchApi: Api<OffsetFetchRequest, OffsetFetchResponse> = {
  name: 'OffsetFetch',
  key: 9,
  version: 7,
  flexible: true,
  write(writer, request) {
    writer.string(request.groupId)
    const topics = new Map<string, number[]>()
    for (const { topic, partition } of request.partitions) {
      topics.set(topic, [...(topics.get(topic) ?? []), partition])
    }
    writer.array([...topics], ([topic, partitions]) => {
      writer.string(topic)
      writer.array(partitions, (partition) => {
        writer.int32(partition)
      })
      writer.tags()
    })
    writer.boolean(request.requireStable)
    writer.tags()
  },
  read(reader) {
    reader.int32() // throttle time
    const offsets = readByTopic(reader, (topic, partition): FetchedOffset => {
      const offset = reader.int64()
      reader.int32() // leader epoch
      const metadata = reader.nullableString()
      const errorCode = reader.int16()
      return { topic, partition, offset, metadata, errorCode }
    })
    const errorCode = reader.int16()
    reader.tags()
    return { errorCode, offsets }
  },
}

/** Who commits: generation -1 and an empty member id for a group without members. */
export interface GroupSession {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

export interface OffsetCommitRequest extends GroupSession {
  readonly offsets: readonly TopicPartitionOffset[]
}

export interface CommittedPartition extends TopicPartition {
  readonly errorCode: number
}

export const offsetCommitApi: Api<OffsetCommitRequest, readonly CommittedPartition[]> = {
  name: 'OffsetCommit',
  key: 8,
  version: 7,
  flexible: false,
  write(writer, request) {
    writer.string(request.groupId)
    writer.int32(request.generationId)
    writer.string(request.memberId)
    writer.string(null) // group instance id
    writeByTopic(writer, request.offsets, ({ partition, offset }) => {
      writer.int32(partition)
      writer.int64(offset)
      writer.int32(UNKNOWN_EPOCH)
      writer.string(null)
    })
  },
  read(reader) {
    reader.int32() // throttle time
    return readByTopic(reader, (topic, partition): CommittedPartition => ({
      topic,
      partition,
      errorCode: reader.int16(),
    }))
  },
}

/** ApiVersions v0, Metadata v10 (the first with topic ids), FindCoordinator v2. */
import type { Api } from './api.ts'

export interface ApiVersionRange {
  readonly minVersion: number
  readonly maxVersion: number
}

export interface ApiVersionsResponse {
  readonly errorCode: number
  readonly ranges: ReadonlyMap<number, ApiVersionRange>
}

export const apiVersionsApi: Api<undefined, ApiVersionsResponse> = {
  name: 'ApiVersions',
  key: 18,
  version: 0,
  flexible: false,
  write() {
    // empty body
  },
  read(reader) {
    const errorCode = reader.int16()
    const ranges = reader.array((): [number, ApiVersionRange] => [
      reader.int16(),
      { minVersion: reader.int16(), maxVersion: reader.int16() },
    ])
    return { errorCode, ranges: new Map(ranges) }
  },
}

export interface MetadataRequest {
  /** Null asks for all topics. */
  readonly topics: readonly string[] | null
}

export interface BrokerAddress {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly partition: number
  readonly errorCode: number
  /** -1 while an election is going on. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly topic: string
  /** UUID; a topic that was deleted and created again has another one. */
  readonly topicId: string
  readonly errorCode: number
  readonly internal: boolean
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface MetadataResponse {
  readonly brokers: readonly BrokerAddress[]
  readonly clusterId: string | null
  readonly controllerId: number
  readonly topics: readonly TopicMetadata[]
}

/** What brokers say that give topics no ids. */
export const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'

export const metadataApi: Api<MetadataRequest, MetadataResponse> = {
  name: 'Metadata',
  key: 3,
  version: 10,
  flexible: true,
  write(writer, request) {
    writer.array(request.topics, (topic) => {
      writer.uuid(NO_TOPIC_ID)
      writer.string(topic)
      writer.tags()
    })
    writer.boolean(false) // never create topics by asking for them
    writer.boolean(false)
    writer.boolean(false)
    writer.tags()
  },
  read(reader) {
    reader.int32() // throttle time
    const brokers = reader.array((): BrokerAddress => {
      const broker = { nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
      reader.nullableString() // rack
      reader.tags()
      return broker
    })
    const clusterId = reader.nullableString()
    const controllerId = reader.int32()
    const topics = reader.array((): TopicMetadata => {
      const errorCode = reader.int16()
      const topic = reader.string()
      const topicId = reader.uuid()
      const internal = reader.boolean()
      const partitions = reader.array((): PartitionMetadata => {
        const metadata = {
          errorCode: reader.int16(),
          partition: reader.int32(),
          leader: reader.int32(),
          leaderEpoch: reader.int32(),
          replicas: reader.array(() => reader.int32()),
          inSyncReplicas: reader.array(() => reader.int32()),
        }
        reader.array(() => reader.int32()) // offline replicas
        reader.tags()
        return metadata
      })
      reader.int32() // authorized operations
      reader.tags()
      partitions.sort((a, b) => a.partition - b.partition)
      return { topic, topicId, errorCode, internal, partitions }
    })
    reader.int32() // authorized operations
    reader.tags()
    return { brokers, clusterId, controllerId, topics }
  },
}

export type CoordinatorKind = 'group' | 'transaction'

export interface FindCoordinatorRequest {
  readonly kind: CoordinatorKind
  /** Group id or transactional id. */
  readonly key: string
}

export interface FindCoordinatorResponse extends BrokerAddress {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const findCoordinatorApi: Api<FindCoordinatorRequest, FindCoordinatorResponse> = {
  name: 'FindCoordinator',
  key: 10,
  version: 2,
  flexible: false,
  write(writer, request) {
    writer.string(request.key)
    writer.int8(request.kind === 'group' ? 0 : 1)
  },
  read(reader) {
    reader.int32() // throttle time
    return {
      errorCode: reader.int16(),
      errorMessage: reader.nullableString(),
      nodeId: reader.int32(),
      host: reader.string(),
      port: reader.int32(),
    }
  },
}

/**
 * InitProducerId v1, AddPartitionsToTxn v2, AddOffsetsToTxn v2, TxnOffsetCommit v3, EndTxn v2.
 *
 * The last versions before the flexible ones where both do; TxnOffsetCommit must be v3, the first
 * that carries member id and generation (KIP-447), by which the coordinator fences zombies.
 */
import { readByTopic, writeByTopic } from './api.ts'
import type { Api, TopicPartition, TopicPartitionOffset } from './api.ts'
import type { CommittedPartition, GroupSession } from './offsets.ts'

export interface ProducerSession {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerIdRequest {
  /** Null for a producer that is idempotent only. */
  readonly transactionalId: string | null
  readonly transactionTimeoutMs: number
}

export interface InitProducerIdResponse extends ProducerSession {
  readonly errorCode: number
}

export const initProducerIdApi: Api<InitProducerIdRequest, InitProducerIdResponse> = {
  name: 'InitProducerId',
  key: 22,
  version: 1,
  flexible: false,
  write(writer, request) {
    writer.string(request.transactionalId)
    writer.int32(request.transactionTimeoutMs)
  },
  read(reader) {
    reader.int32() // throttle time
    return {
      errorCode: reader.int16(),
      producerId: reader.int64(),
      producerEpoch: reader.int16(),
    }
  },
}

interface TransactionRequest extends ProducerSession {
  readonly transactionalId: string
}

export interface AddPartitionsToTxnRequest extends TransactionRequest {
  readonly partitions: readonly TopicPartition[]
}

export const addPartitionsToTxnApi: Api<AddPartitionsToTxnRequest, readonly CommittedPartition[]> =
  {
    name: 'AddPartitionsToTxn',
    key: 24,
    version: 2,
    flexible: false,
    write(writer, request) {
      writer.string(request.transactionalId)
      writer.int64(request.producerId)
      writer.int16(request.producerEpoch)
      writeByTopic(writer, request.partitions, ({ partition }) => {
        writer.int32(partition)
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

export interface AddOffsetsToTxnRequest extends TransactionRequest {
  readonly groupId: string
}

/** The response is the error code. */
export const addOffsetsToTxnApi: Api<AddOffsetsToTxnRequest, number> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  version: 2,
  flexible: false,
  write(writer, request) {
    writer.string(request.transactionalId)
    writer.int64(request.producerId)
    writer.int16(request.producerEpoch)
    writer.string(request.groupId)
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.int16()
  },
}

export interface TxnOffsetCommitRequest extends TransactionRequest, GroupSession {
  readonly offsets: readonly TopicPartitionOffset[]
}

export const txnOffsetCommitApi: Api<TxnOffsetCommitRequest, readonly CommittedPartition[]> = {
  name: 'TxnOffsetCommit',
  key: 28,
  version: 3,
  flexible: true,
  write(writer, request) {
    writer.string(request.transactionalId)
    writer.string(request.groupId)
    writer.int64(request.producerId)
    writer.int16(request.producerEpoch)
    writer.int32(request.generationId)
    writer.string(request.memberId)
    writer.string(null) // group instance id
    writeByTopic(writer, request.offsets, ({ partition, offset }) => {
      writer.int32(partition)
      writer.int64(offset)
      writer.int32(-1) // leader epoch
      writer.string(null) // metadata
    })
    writer.tags()
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

export interface EndTxnRequest extends TransactionRequest {
  readonly committed: boolean
}

/** The response is the error code. */
export const endTxnApi: Api<EndTxnRequest, number> = {
  name: 'EndTxn',
  key: 26,
  version: 2,
  flexible: false,
  write(writer, request) {
    writer.string(request.transactionalId)
    writer.int64(request.producerId)
    writer.int16(request.producerEpoch)
    writer.boolean(request.committed)
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.int16()
  },
}

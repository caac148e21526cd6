/** Produce v7: at most one record batch per partition and request. */
import { readByTopic, writeByTopic } from './api.ts'
import type { Api, TopicPartition } from './api.ts'

export interface ProduceBatch extends TopicPartition {
  /** A finished record batch (format version 2); sent without copying. */
  readonly batch: Buffer
}

export interface ProduceRequest {
  readonly transactionalId: string | null
  /** How long the leader waits for the in-sync replicas; acks is always "all". */
  readonly timeoutMs: number
  readonly batches: readonly ProduceBatch[]
}

export interface ProducedPartition extends TopicPartition {
  readonly errorCode: number
  /** Offset of the first record; -1 with an error. */
  readonly baseOffset: number
  /** -1 unless the topic has LogAppendTime. */
  readonly logAppendTimeMs: number
}

const ACKS_ALL = -1

export const produceApi: Api<ProduceRequest, readonly ProducedPartition[]> = {
  name: 'Produce',
  key: 0,
  version: 7,
  flexible: false,
  write(writer, request) {
    writer.string(request.transactionalId)
    writer.int16(ACKS_ALL)
    writer.int32(request.timeoutMs)
    writeByTopic(writer, request.batches, ({ partition, batch }) => {
      writer.int32(partition)
      writer.bytes(batch)
    })
  },
  read(reader) {
    const partitions = readByTopic(reader, (topic, partition): ProducedPartition => {
      const errorCode = reader.int16()
      const baseOffset = reader.int64()
      const logAppendTimeMs = reader.int64()
      reader.int64() // log start offset
      return { topic, partition, errorCode, baseOffset, logAppendTimeMs }
    })
    reader.int32() // throttle time
    return partitions
  },
}

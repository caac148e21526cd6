/** What retention does to a log, at once: Kafka's DeleteRecords (key 21, version 1). */
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { Api } from '../../../pipelines/runtime/kafka/protocol/api.ts'

interface DeleteRecordsRequest {
  readonly topic: string
  readonly partition: number
  /** Records before it are deleted. */
  readonly beforeOffset: number
}

const TIMEOUT_MS = 10_000

const deleteRecordsApi: Api<DeleteRecordsRequest, number> = {
  name: 'DeleteRecords',
  key: 21,
  version: 1,
  flexible: false,
  write(writer, { topic, partition, beforeOffset }) {
    writer.array([topic], (name) => {
      writer.string(name)
      writer.array([partition], (index) => {
        writer.int32(index)
        writer.int64(beforeOffset)
      })
    })
    writer.int32(TIMEOUT_MS)
  },
  read(reader) {
    reader.int32() // throttle time
    const codes = reader.array(() => {
      reader.string()
      return reader.array(() => {
        reader.int32()
        reader.int64() // low watermark
        return reader.int16()
      })
    })
    return codes.flat()[0] ?? -1
  },
}

export const deleteRecords = async (
  cluster: KafkaCluster,
  request: DeleteRecordsRequest,
): Promise<void> => {
  await cluster.topic(request.topic)
  const leader = cluster.cachedLeader(request.topic, request.partition) ?? -1
  const errorCode = await cluster.send(leader, deleteRecordsApi, request)
  if (errorCode !== 0) throw new Error(`DeleteRecords failed with ${String(errorCode)}`)
}

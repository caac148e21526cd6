/** What a topic holds of one tenant. */
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../../pipelines/runtime/avro/index.ts'
import { readToEnd, type KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { Topic } from '../../../schemas/topic.ts'

export const topicValues = async <Value>(
  cluster: KafkaCluster,
  topic: Topic<Value>,
  tenant: string,
): Promise<Value[]> => {
  const { decode } = createRecordDecoder<Value>({ writerSchema: topic.schema })
  const values: Value[] = []
  const partitions = await cluster.partitionCount(topic.name)
  for (let partition = 0; partition < partitions; partition++) {
    await readToEnd({
      cluster,
      topic: topic.name,
      partition,
      until: 'last-stable',
      onRecords: (records) => {
        while (records.next()) {
          // Keys begin with the tenant. What others put there need not even be readable.
          if (records.key()?.toString().split('\u001f')[0] !== tenant) continue
          const { buffer, valueStart, valueEnd } = records
          values.push(decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd))
        }
      },
    })
  }
  return values
}

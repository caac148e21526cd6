/** How far the event time of a tenant has come, as its ticks tell. */
import {
  readToEnd,
  SchemaRegistryClient,
  type KafkaCluster,
  type RegistryConnection,
} from '../../pipelines/runtime/kafka/index.ts'
import { controlTicks } from '../../schemas/topics.ts'
import { TopicDecoder } from '../shared/topic-decoder.ts'

export interface TenantClockOptions {
  readonly cluster: KafkaCluster
  readonly registry: RegistryConnection
  readonly tenant: string
  readonly signal?: AbortSignal | undefined
}

/**
 * The latest tick of a tenant, or undefined when there is none (any more: ticks expire). Every
 * partition is read: whoever drove the clock may have ended between two of them.
 */
export const tenantClock = async (options: TenantClockOptions): Promise<number | undefined> => {
  const { cluster, tenant, signal } = options
  const key = Buffer.from(tenant, 'utf8')
  const decoder = new TopicDecoder(controlTicks, new SchemaRegistryClient(options.registry))
  const partitions = await cluster.partitionCount(controlTicks.name)
  let latestMs = -Infinity
  const read = (partition: number) =>
    readToEnd({
      cluster,
      topic: controlTicks.name,
      partition,
      until: 'last-stable',
      signal,
      onRecords: async (records) => {
        while (records.next()) {
          if (records.key()?.equals(key) !== true) continue
          const read = await decoder.decode(records.value())
          // What is no tick is somebody else's mistake, dead-lettered elsewhere.
          if (read.kind !== 'value' || read.value.tenant !== tenant) continue
          latestMs = Math.max(latestMs, read.value.timestamp)
        }
      },
    })
  await Promise.all(Array.from({ length: partitions }, (_, partition) => read(partition)))
  return latestMs === -Infinity ? undefined : latestMs
}

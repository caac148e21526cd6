/** Values of a topic of the catalogue as records: key, partition, Confluent-Avro value. */
import type { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import type { KafkaCluster, RegistryConnection } from '../../pipelines/runtime/kafka/index.ts'
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import type { Topic } from '../../schemas/topic.ts'
import type { OutgoingRecord } from '../shared/publisher.ts'
import { topicEncoder } from '../shared/registry.ts'

interface Route {
  readonly key: Buffer
  readonly partition: number
}

/** There are few series and services, and many records of each: keys and hashes are made once. */
const REMEMBERED_ROUTES = 10_000
const REMEMBERED_KEY_BYTES = 8 * 1024 * 1024

export interface TopicFormat<Value> {
  readonly topic: Pick<Topic<Value>, 'name' | 'keyOf'>
  readonly encoder: RecordEncoder<Value>
  readonly partitions: number
}

export class TopicRecords<Value> {
  readonly format: TopicFormat<Value>
  readonly #routes = new Map<string, Route>()
  #routeBytes = 0

  constructor(format: TopicFormat<Value>) {
    this.format = format
  }

  /**
   * @throws SchemaError for a value that cannot have a key, AvroError for one that does not fit
   *   the schema
   */
  of(value: Value): OutgoingRecord {
    const record = this.borrow(value)
    return { ...record, value: Buffer.from(record.value) }
  }

  /** The same without a copy: the value is valid until the next call. */
  borrow(value: Value): OutgoingRecord {
    const { topic, encoder } = this.format
    const { key, partition } = this.#route(topic.keyOf(value))
    return { topic: topic.name, partition, key, value: encoder.encode(value) }
  }

  #route(text: string): Route {
    const known = this.#routes.get(text)
    if (known !== undefined) return known
    const key = Buffer.from(text, 'utf8')
    const route = { key, partition: toPartition(murmur2(key), this.format.partitions) }
    this.#remember(text, route)
    return route
  }

  #remember(text: string, route: Route): void {
    if (this.#routes.size >= REMEMBERED_ROUTES || this.#routeBytes >= REMEMBERED_KEY_BYTES) {
      this.#routes.clear()
      this.#routeBytes = 0
    }
    this.#routes.set(text, route)
    this.#routeBytes += route.key.length
  }
}

/** Asks the registry for the schema's id and the cluster for the partitions. */
export const openTopicRecords = async <Value>(
  topic: Topic<Value>,
  { cluster, registry }: { readonly cluster: KafkaCluster; readonly registry: RegistryConnection },
): Promise<TopicRecords<Value>> => {
  const [encoder, partitions] = await Promise.all([
    topicEncoder(topic, registry),
    cluster.partitionCount(topic.name),
  ])
  return new TopicRecords({ topic, encoder, partitions })
}

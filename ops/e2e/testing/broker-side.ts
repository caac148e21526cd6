/** Both ends of the product in a test: what anyone may send in, and everything that comes out. */
import {
  createRecordDecoder,
  type RecordEncoder,
  WIRE_HEADER_BYTES,
} from '../../../pipelines/runtime/avro/index.ts'
import {
  IdempotentProducer,
  readToEnd,
  type Delivery,
  type KafkaCluster,
  type ProducerRecord,
} from '../../../pipelines/runtime/kafka/index.ts'
import { seriesKey } from '../../../schemas/series-key.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { Topic } from '../../../schemas/topic.ts'
import { controlTicks, telemetryMetrics } from '../../../schemas/topics.ts'
import type { Config } from '../../../services/shared/config.ts'
import { kafkaCluster } from '../../../services/shared/kafka.ts'
import { storedRecordOf, type StoredRecord } from '../../../services/records/record-line.ts'
import { topicEncoder, registryConnection } from '../../../services/shared/registry.ts'
import { applyTopics } from '../../../services/topics/apply.ts'
import { productTopics } from '../../../services/topics/product-topics.ts'
import { topicServers } from '../../../services/topics/servers.ts'
import { uniqueName } from '../../test/stack.ts'

export class BrokerSide {
  readonly config: Config
  readonly cluster: KafkaCluster
  readonly #producer: IdempotentProducer
  /** Offsets behind what was there before, by topic and partition. */
  readonly #starts = new Map<string, number>()
  readonly #points: RecordEncoder<MetricPoint>
  readonly #ticks: RecordEncoder<{ timestamp: number; tenant: string; origin: string }>

  private constructor(
    config: Config,
    cluster: KafkaCluster,
    encoders: {
      readonly points: RecordEncoder<MetricPoint>
      readonly ticks: RecordEncoder<{ timestamp: number; tenant: string; origin: string }>
    },
  ) {
    this.config = config
    this.cluster = cluster
    this.#points = encoders.points
    this.#ticks = encoders.ticks
    this.#producer = new IdempotentProducer({
      cluster,
      name: uniqueName('e2e'),
      maxRecordBytes: 1_048_588,
    })
  }

  /** Applies the topics of the product first. */
  static async open(config: Config): Promise<BrokerSide> {
    const cluster = kafkaCluster(config, { clientId: 'e2e' })
    const { catalogue, internal } = productTopics({ spreadPartitions: config.partitions })
    await applyTopics([...catalogue, ...internal], topicServers(config, cluster))
    const connection = registryConnection(config.schemaRegistry)
    const side = new BrokerSide(config, cluster, {
      points: await topicEncoder(telemetryMetrics, connection),
      ticks: await topicEncoder(controlTicks, connection),
    })
    await side.#producer.prepare([telemetryMetrics.name, controlTicks.name])
    for (const { name } of [...catalogue, ...internal]) await side.#noteStart(name)
    return side
  }

  encode(point: MetricPoint): Buffer {
    return Buffer.from(this.#points.encode(point))
  }

  /** Resolves when the broker has it. */
  send(record: ProducerRecord): Promise<Delivery> {
    return this.#producer.send(record)
  }

  /** As our own producers send: canonical key, its partition. */
  async sendPoints(points: Iterable<MetricPoint>): Promise<void> {
    for (const point of points) {
      if (!this.#producer.hasRoom) await this.#producer.room()
      const key = Buffer.from(seriesKey(point))
      this.#producer
        .append({ topic: telemetryMetrics.name, key, value: this.encode(point) })
        .catch(() => undefined) // flush reports it
    }
    await this.#producer.flush()
  }

  /** Moves the tenant's clock in every partition. */
  async tick(tenant: string, timestamp: number): Promise<void> {
    const partitions = await this.cluster.partitionCount(controlTicks.name)
    const value = Buffer.from(this.#ticks.encode({ timestamp, tenant, origin: 'live' }))
    for (let partition = 0; partition < partitions; partition++) {
      await this.send({ topic: controlTicks.name, partition, key: Buffer.from(tenant), value })
    }
  }

  /** Everything committed in a topic since this was opened. */
  async records(topic: string): Promise<StoredRecord[]> {
    const found: StoredRecord[] = []
    const partitions = await this.cluster.partitionCount(topic)
    for (let partition = 0; partition < partitions; partition++) {
      await readToEnd({
        cluster: this.cluster,
        topic,
        partition,
        fromOffset: this.#starts.get(`${topic}/${partition}`) ?? 0,
        until: 'last-stable',
        onRecords(records) {
          while (records.next()) found.push(storedRecordOf(partition, records))
        },
      })
    }
    return found
  }

  /** The tenant's values in a topic of the catalogue. */
  async values<Value>(topic: Topic<Value>, tenant: string): Promise<Value[]> {
    const decoder = createRecordDecoder<Value>({ writerSchema: topic.schema })
    return (await this.records(topic.name))
      .flatMap(({ value }) =>
        value === null ? [] : [decoder.decode(value, WIRE_HEADER_BYTES, value.length)],
      )
      .filter((value) => topic.tenantOf(value) === tenant)
  }

  async #noteStart(topic: string): Promise<void> {
    const count = await this.cluster.partitionCount(topic)
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    for (const { partition, offset } of await this.cluster.listOffsets(partitions, 'latest')) {
      this.#starts.set(`${topic}/${partition}`, offset)
    }
  }

  async close(): Promise<void> {
    await this.#producer.close({ timeoutMs: 5_000 })
    await this.cluster.close()
  }
}

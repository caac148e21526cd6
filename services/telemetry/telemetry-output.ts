/** What a process needs that publishes points and drives the clock of tenants. */
import type { KafkaCluster, RegistryConnection } from '../../pipelines/runtime/kafka/index.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import {
  openPublisher,
  type OpenPublisher,
  type OutgoingRecord,
  type PublisherOptions,
} from '../shared/publisher.ts'
import { openTopicRecords, type TopicRecords } from './topic-records.ts'

export interface TelemetryOutput {
  readonly publisher: OpenPublisher
  readonly records: TelemetryRecords
}

export interface TelemetryOutputOptions extends Omit<PublisherOptions, 'topics'> {
  readonly registry: RegistryConnection
}

/** Connects. Close the publisher when done. */
export const openTelemetryOutput = async ({
  registry,
  ...publisher
}: TelemetryOutputOptions): Promise<TelemetryOutput> => {
  const topics = [telemetryMetrics.name, controlTicks.name]
  const { cluster } = publisher
  const [points, ticks] = await Promise.all([
    openTopicRecords(telemetryMetrics, { cluster, registry }),
    openTickRecords({ cluster, registry }),
  ])
  return {
    records: new TelemetryRecords(points, ticks),
    publisher: await openPublisher({ ...publisher, topics }),
  }
}

export const openTickRecords = async (servers: {
  readonly cluster: KafkaCluster
  readonly registry: RegistryConnection
}): Promise<TickRecords> => {
  const [ticks, partitions] = await Promise.all([
    openTopicRecords(controlTicks, servers),
    servers.cluster.partitionCount(controlTicks.name),
  ])
  return new TickRecords(ticks, partitions)
}

export class TickRecords {
  readonly #ticks: TopicRecords<Tick>
  readonly #partitions: number

  constructor(ticks: TopicRecords<Tick>, partitions: number) {
    this.#ticks = ticks
    this.#partitions = partitions
  }

  /** One per partition: every task sees the time of every tenant. */
  of(tick: Tick): OutgoingRecord[] {
    const record = this.#ticks.of(tick)
    return Array.from({ length: this.#partitions }, (_, partition) => ({ ...record, partition }))
  }
}

export class TelemetryRecords {
  readonly #points: TopicRecords<MetricPoint>
  readonly #ticks: TickRecords

  constructor(points: TopicRecords<MetricPoint>, ticks: TickRecords) {
    this.#points = points
    this.#ticks = ticks
  }

  /** Throws SchemaError for a series that cannot have a key. */
  ofPoint(point: MetricPoint): OutgoingRecord {
    return this.#points.of(point)
  }

  ofTick(tick: Tick): OutgoingRecord[] {
    return this.#ticks.of(tick)
  }
}

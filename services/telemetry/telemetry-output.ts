/** What a process needs that publishes points and drives the clock of tenants. */
import type { RegistryConnection } from '../../pipelines/runtime/kafka/index.ts'
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
  const [points, ticks, tickPartitions] = await Promise.all([
    openTopicRecords(telemetryMetrics, { cluster, registry }),
    openTopicRecords(controlTicks, { cluster, registry }),
    cluster.partitionCount(controlTicks.name),
  ])
  return {
    records: new TelemetryRecords({ points, ticks, tickPartitions }),
    publisher: await openPublisher({ ...publisher, topics }),
  }
}

export interface TelemetryFormat {
  readonly points: TopicRecords<MetricPoint>
  readonly ticks: TopicRecords<Tick>
  readonly tickPartitions: number
}

export class TelemetryRecords {
  readonly #format: TelemetryFormat

  constructor(format: TelemetryFormat) {
    this.#format = format
  }

  /** Throws SchemaError for a series that cannot have a key. */
  ofPoint(point: MetricPoint): OutgoingRecord {
    return this.#format.points.of(point)
  }

  /** One per partition: every task sees the time of every tenant. */
  ofTick(tick: Tick): OutgoingRecord[] {
    const { ticks, tickPartitions } = this.#format
    const record = ticks.of(tick)
    return Array.from({ length: tickPartitions }, (_, partition) => ({ ...record, partition }))
  }
}

/** What a process needs that publishes points and drives the clock of tenants. */
import type { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
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
import { topicEncoder } from '../shared/registry.ts'
import { SeriesRoutes } from './series-routes.ts'

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
  const [points, ticks, metricPartitions, tickPartitions] = await Promise.all([
    topicEncoder(telemetryMetrics, registry),
    topicEncoder(controlTicks, registry),
    cluster.partitionCount(telemetryMetrics.name),
    cluster.partitionCount(controlTicks.name),
  ])
  return {
    records: new TelemetryRecords({ points, ticks, metricPartitions, tickPartitions }),
    publisher: await openPublisher({ ...publisher, topics }),
  }
}

export class TelemetryRecords {
  readonly #points: RecordEncoder<MetricPoint>
  readonly #ticks: RecordEncoder<Tick>
  readonly #routes: SeriesRoutes
  readonly #tickPartitions: number

  constructor(format: {
    readonly points: RecordEncoder<MetricPoint>
    readonly ticks: RecordEncoder<Tick>
    readonly metricPartitions: number
    readonly tickPartitions: number
  }) {
    this.#points = format.points
    this.#ticks = format.ticks
    this.#routes = new SeriesRoutes(format.metricPartitions)
    this.#tickPartitions = format.tickPartitions
  }

  /** Throws SchemaError for a series that cannot have a key. */
  ofPoint(point: MetricPoint): OutgoingRecord {
    const { key, partition } = this.#routes.of(point)
    const value = Buffer.from(this.#points.encode(point))
    return { topic: telemetryMetrics.name, partition, key, value }
  }

  /** One per partition: every task sees the time of every tenant. */
  ofTick(tick: Tick): OutgoingRecord[] {
    const topic = controlTicks.name
    const key = Buffer.from(controlTicks.keyOf(tick), 'utf8')
    const value = Buffer.from(this.#ticks.encode(tick))
    return Array.from({ length: this.#tickPartitions }, (_, partition) => ({
      topic,
      partition,
      key,
      value,
    }))
  }
}

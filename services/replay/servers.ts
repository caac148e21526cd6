/** What a replay needs, on the servers of the configuration. */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { openPublisher } from '../shared/publisher.ts'
import { registryConnection, topicEncoder } from '../shared/registry.ts'
import { tenantClock } from '../shared/tenant-clock.ts'
import type { ReplayServers } from './replay-metrics.ts'

const DELIVERY_TIMEOUT_MS = 120_000

/** Connects, lets `work` use it, and closes everything. */
export const withReplayServers = async <Result>(
  config: Pick<Config, 'kafka' | 'schemaRegistry'>,
  work: (servers: ReplayServers) => Promise<Result>,
): Promise<Result> => {
  const cluster = kafkaCluster(config, { clientId: `${config.kafka.clientId}-replay` })
  try {
    return await withPublisher(config, cluster, work)
  } finally {
    await cluster.close()
  }
}

const withPublisher = async <Result>(
  config: Pick<Config, 'schemaRegistry'>,
  cluster: KafkaCluster,
  work: (servers: ReplayServers) => Promise<Result>,
): Promise<Result> => {
  const registry = registryConnection(config.schemaRegistry)
  const topics = [telemetryMetrics.name, controlTicks.name]
  const [points, ticks, publisher] = await Promise.all([
    topicEncoder(telemetryMetrics, registry),
    topicEncoder(controlTicks, registry),
    openPublisher({ cluster, name: 'replay', topics, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS }),
  ])
  try {
    return await work({
      publisher,
      encodePoint: (point) => Buffer.from(points.encode(point)),
      encodeTick: (tick) => Buffer.from(ticks.encode(tick)),
      partitions: {
        metrics: await cluster.partitionCount(telemetryMetrics.name),
        ticks: await cluster.partitionCount(controlTicks.name),
      },
      clockOf: (tenant) => tenantClock({ cluster, registry, tenant }),
    })
  } finally {
    await publisher.close()
  }
}

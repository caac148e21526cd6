/** What a replay needs, on the servers of the configuration. */
import type { Config } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { registryConnection } from '../shared/registry.ts'
import { openTelemetryOutput } from '../telemetry/telemetry-output.ts'
import { tenantClock } from '../telemetry/tenant-clock.ts'
import type { ReplayServers } from './replay-metrics.ts'

const DELIVERY_TIMEOUT_MS = 120_000

/** Connects, lets `work` use it, and closes everything. */
export const withReplayServers = async <Result>(
  config: Pick<Config, 'kafka' | 'schemaRegistry'>,
  work: (servers: ReplayServers) => Promise<Result>,
): Promise<Result> => {
  const cluster = kafkaCluster(config, { clientId: `${config.kafka.clientId}-replay` })
  const registry = registryConnection(config.schemaRegistry)
  const clockOf = (tenant: string) => tenantClock({ cluster, registry, tenant })
  try {
    const { publisher, records } = await openTelemetryOutput({
      cluster,
      registry,
      name: 'replay',
      deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
    })
    try {
      return await work({ publisher, records, clockOf })
    } finally {
      await publisher.close()
    }
  } finally {
    await cluster.close()
  }
}

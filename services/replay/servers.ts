/** What a replay needs, on the servers of the configuration. */
import { controlTicks } from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { openPublisher } from '../shared/publisher.ts'
import { registryConnection } from '../shared/registry.ts'
import { openTickRecords } from '../telemetry/telemetry-output.ts'
import { openTopicRecords } from '../telemetry/topic-records.ts'
import { tenantClock } from '../telemetry/tenant-clock.ts'
import type { ReplayServers } from './replay-files.ts'
import type { ReplaySignal } from './signal.ts'

const DELIVERY_TIMEOUT_MS = 120_000

/** Connects, lets `work` use it, and closes everything. */
export const withReplayServers = async <Value, Read, Result>(
  config: Pick<Config, 'kafka' | 'schemaRegistry'>,
  { topic, valueOf }: Pick<ReplaySignal<Value, Read>, 'topic' | 'valueOf'>,
  work: (servers: ReplayServers<Read>) => Promise<Result>,
): Promise<Result> => {
  const cluster = kafkaCluster(config, { clientId: `${config.kafka.clientId}-replay` })
  const registry = registryConnection(config.schemaRegistry)
  const clockOf = (tenant: string) => tenantClock({ cluster, registry, tenant })
  try {
    const [records, ticks] = await Promise.all([
      openTopicRecords(topic, { cluster, registry }),
      openTickRecords({ cluster, registry }),
    ])
    const publisher = await openPublisher({
      cluster,
      name: 'replay',
      topics: [topic.name, controlTicks.name],
      deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
    })
    try {
      const recordOf = (read: Read) => records.of(valueOf(read))
      return await work({ publisher, recordOf, ticks, clockOf })
    } finally {
      await publisher.close()
    }
  } finally {
    await cluster.close()
  }
}

/** The topic of API keys as commands use it: what there is, and what changes. */
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { KeyEntry } from '../../schemas/generated/control-keys.ts'
import { controlKeys } from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import { openPublisher } from '../shared/publisher.ts'
import { registryConnection, schemaRegistry, topicEncoder } from '../shared/registry.ts'
import { TopicDecoder } from '../shared/topic-decoder.ts'

export interface KeyServers {
  readonly config: Config
  readonly cluster: KafkaCluster
}

const DELIVERY_TIMEOUT_MS = 20_000

export interface KnownKey {
  /** As it is now. */
  readonly latest: KeyEntry
  /** As it was made. */
  readonly created: KeyEntry
}

/** Every key there is or was, the oldest first. */
export const readKeys = async ({ config, cluster }: KeyServers): Promise<readonly KnownKey[]> => {
  const values: (Buffer | null)[] = []
  await readToEnd({
    cluster,
    topic: controlKeys.name,
    partition: 0,
    until: 'last-stable',
    onRecords: (records) => {
      while (records.next()) values.push(records.value())
    },
  })
  const decoder = new TopicDecoder(controlKeys, schemaRegistry(config))
  const keys = new Map<string, KnownKey>()
  for (const value of values) {
    const decoded = await decoder.decode(value)
    if (decoded.kind === 'unreadable') continue // servers log it; it is no key of anybody
    const latest = decoded.value
    keys.set(latest.id, { latest, created: keys.get(latest.id)?.created ?? latest })
  }
  return [...keys.values()]
}

/** Resolves when Kafka has it; every server follows within about a second. */
export const publishKey = async (
  entry: KeyEntry,
  { config, cluster }: KeyServers,
): Promise<void> => {
  const encoder = await topicEncoder(controlKeys, registryConnection(config.schemaRegistry))
  const publisher = await openPublisher({
    cluster,
    name: 'keys',
    topics: [controlKeys.name],
    deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
  })
  try {
    await publisher.publish([
      {
        topic: controlKeys.name,
        partition: 0,
        key: Buffer.from(controlKeys.keyOf(entry)),
        value: encoder.encode(entry),
      },
    ])
  } finally {
    await publisher.close()
  }
}

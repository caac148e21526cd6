/** The topic of API keys as commands use it: what there is, and what changes. */
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { KeyEntry } from '../../schemas/generated/control-keys.ts'
import { controlKeys } from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import { schemaRegistry } from '../shared/registry.ts'
import { TopicDecoder } from '../shared/topic-decoder.ts'
import { publishOne } from '../telemetry/publish-one.ts'

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
export const publishKey = (entry: KeyEntry, servers: KeyServers): Promise<void> =>
  publishOne(controlKeys, entry, {
    ...servers,
    name: 'keys',
    deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
  })

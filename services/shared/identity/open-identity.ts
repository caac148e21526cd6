/** The identity of a process, from its configuration. */
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import { controlKeys } from '../../../schemas/topics.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../logger.ts'
import { schemaRegistry } from '../registry.ts'
import { TopicFollower } from '../topic-follower.ts'
import { Identity } from './identity.ts'
import { KeyRing } from './key-ring.ts'
import { createTokenVerifier } from './token.ts'

export interface OpenIdentity {
  readonly identity: Identity
  close(): Promise<void>
}

/** Keys are read in the background: requests with one wait for that, none else. */
export const openIdentity = (
  config: Config,
  { cluster, logger }: { readonly cluster: KafkaCluster; readonly logger: Logger },
): OpenIdentity => {
  const keys = new KeyRing()
  const follower = new TopicFollower({
    cluster,
    registry: schemaRegistry(config),
    logger,
    topic: controlKeys,
    onValue: (entry) => keys.add(entry),
    onLost: (key) => {
      if (key !== null) keys.lose(key.toString())
    },
    onNew: () => {
      keys.clear()
    },
  })
  const { host, anonymous, tokens } = config
  const identity = new Identity({
    keys,
    keysLoaded: () => follower.loaded,
    tokens: tokens && createTokenVerifier(tokens, { nowMs: Date.now }),
    host,
    anonymous,
    nowMs: Date.now,
  })
  return { identity, close: () => follower.close() }
}

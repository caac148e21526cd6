/** The identity of a process, from its configuration. */
import type { KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../logger.ts'
import { schemaRegistry } from '../registry.ts'
import { Identity } from './identity.ts'
import { KeyFollower } from './key-follower.ts'
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
  const follower = new KeyFollower({ cluster, registry: schemaRegistry(config), logger })
  const { host, anonymous, tokens } = config
  const identity = new Identity({
    keys: follower.keys,
    keysLoaded: () => follower.loaded,
    tokens: tokens && createTokenVerifier(tokens, { nowMs: Date.now }),
    host,
    anonymous,
    nowMs: Date.now,
  })
  return { identity, close: () => follower.close() }
}

/** The cluster that a command works on. */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { readConfig, type Config } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'

/** Somebody sits before a terminal: say soon that Kafka is not there. */
const CONNECT_MS = 5_000

export interface KafkaSession {
  readonly config: Config
  readonly cluster: KafkaCluster
}

export interface KafkaSessionOptions {
  /** Ends the waiting for Kafka. */
  readonly signal?: AbortSignal
  /** How long a cluster is waited for that is still starting. */
  readonly connectMs?: number
}

/** Connects, lets `work` use the cluster, and closes it. */
export const withKafka = async (
  work: (session: KafkaSession) => Promise<void>,
  { signal, connectMs = CONNECT_MS }: KafkaSessionOptions = {},
): Promise<void> => {
  const config = readConfig()
  const cluster = kafkaCluster(config)
  try {
    await cluster.connect({ retryTimeoutMs: connectMs, signal })
    await work({ config, cluster })
  } finally {
    await cluster.close()
  }
}

/** The Kafka client of a process, from its configuration. */
import { KafkaCluster, type KafkaClusterOptions } from '../../pipelines/runtime/kafka/cluster.ts'
import type { Config } from './config.ts'
import type { Logger } from './logger.ts'

export interface KafkaClientOptions {
  /** Shown in the broker's logs and quotas; default KAFKA_CLIENT_ID. */
  readonly clientId?: string
  readonly logger?: Logger
}

export const kafkaClusterOptions = (
  { kafka }: Pick<Config, 'kafka'>,
  { clientId = kafka.clientId, logger }: KafkaClientOptions = {},
): KafkaClusterOptions => {
  const { brokers, tls, sasl } = kafka
  return {
    brokers,
    clientId,
    ...(tls === undefined ? {} : { ssl: tls.ca === undefined ? true : { ca: tls.ca } }),
    ...(sasl === undefined
      ? {}
      : { sasl: { ...sasl, password: async () => (await sasl.password.current()).reveal() } }),
    ...(logger === undefined ? {} : { logger }),
  }
}

/** Nothing is connected yet; the first request does it. Close it when done. */
export const kafkaCluster = (config: Pick<Config, 'kafka'>, options?: KafkaClientOptions) =>
  new KafkaCluster(kafkaClusterOptions(config, options))

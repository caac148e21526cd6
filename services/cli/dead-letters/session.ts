/** The cluster a `dlq` command works on. */
import { KafkaAdmin, type KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import { readConfig, type Config } from '../../shared/config.ts'
import { EXIT } from '../../shared/errors.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import { holdsForeignBytes } from '../../records/record-line.ts'
import { CliError } from '../cli-error.ts'

/** Somebody sits before a terminal: say soon that Kafka is not there. */
const CONNECT_MS = 5_000

export interface DlqSession {
  readonly config: Config
  readonly cluster: KafkaCluster
  readonly admin: KafkaAdmin
}

export const withDlqSession = async (
  work: (session: DlqSession) => Promise<void>,
): Promise<void> => {
  const config = readConfig()
  const cluster = kafkaCluster(config)
  try {
    await cluster.connect({ retryTimeoutMs: CONNECT_MS })
    await work({ config, cluster, admin: new KafkaAdmin(cluster) })
  } finally {
    await cluster.close()
  }
}

/** Other topics have no letters; reading them for such would be a misunderstanding. */
export const assertHoldsLetters = (topic: string): void => {
  if (holdsForeignBytes(topic)) return
  throw new CliError(
    `'${topic}' is no dead-letter topic; their names end in .dead-letter or .late, \`millrace dlq list\` shows them`,
    EXIT.usage,
  )
}

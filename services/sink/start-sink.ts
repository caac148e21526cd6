/** Brings up a sink: migrates the database, then moves topics into it until it is told to stop. */
import { hostname } from 'node:os'
import { migrate } from '../../infra/clickhouse/index.ts'
import { IdempotentProducer, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { clickhouseTarget, openClickHouse } from '../shared/clickhouse.ts'
import type { Config } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { Limiter } from '../shared/limiter.ts'
import { schemaRegistry } from '../shared/registry.ts'
import { retry } from '../shared/retry.ts'
import type { RunningService, ServiceContext } from '../shared/service.ts'
import { kafkaTopicAdmin } from '../topics/kafka-topic-admin.ts'
import { SINK_DEAD_LETTERS, wantedInternal } from '../topics/wanted-topic.ts'
import { defaultLimits } from './block-draft.ts'
import { ClickHouseBlockStore } from './clickhouse-block-store.ts'
import { LETTER_BYTES } from './dead-letters.ts'
import { sinkMetrics } from './metrics.ts'
import { Sink } from './sink.ts'
import { sinkTables, type SinkTable } from './tables.ts'

/** Each takes some ten times its bytes in the server while it runs. */
const INSERTS_AT_A_TIME = 2
/** Longer than the server works on an insert, so that the server's verdict comes first. */
const REQUEST_TIMEOUT_MS = 60_000
/** After this a stop no longer waits for answers of ClickHouse: the next owner finds out. */
const REQUESTS_END_MS = 9_000
const DELIVERY_BUFFER_BYTES = 8 * 1024 * 1024

export interface SinkAssignment {
  readonly tables: readonly SinkTable[]
  readonly groupId: string
  readonly deadLetterTopic: string
  readonly sessionTimeoutMs?: number
}

const everything: SinkAssignment = {
  tables: sinkTables,
  groupId: 'sink',
  deadLetterTopic: SINK_DEAD_LETTERS,
}

export const startSink = async (
  { config, logger, metrics, signal, fail }: ServiceContext,
  assignment: SinkAssignment = everything,
): Promise<RunningService> => {
  const { tables, deadLetterTopic } = assignment
  const waitFor = <T>(what: string, attempt: () => Promise<T>) =>
    retry({
      what,
      attempt,
      signal,
      onRetry: ({ error, attempt: tries }) => {
        if (tries === 1) logger.warn({ err: error }, `Waiting for ${what}`)
      },
    })
  const target = await clickhouseTarget(config)
  // A server that is away is waited for; a database that does not fit ends the process.
  await waitFor('ClickHouse', () =>
    migrate({
      target,
      onApplied: ({ name }) => {
        logger.info(`Migrated ClickHouse: ${name}`)
      },
    }),
  )
  const cluster = kafkaCluster(config, { logger })
  await waitFor('Kafka', () => createDeadLetterTopic(cluster, { topic: deadLetterTopic, config }))
  const client = openClickHouse(config, {
    application: 'millrace-sink',
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  })
  const closing = new AbortController()
  const producer = new IdempotentProducer({
    cluster,
    name: 'sink',
    bufferBytes: DELIVERY_BUFFER_BYTES,
    maxRecordBytes: LETTER_BYTES,
    deliveryTimeoutMs: Infinity,
  })
  const sink = new Sink({
    cluster,
    producer,
    schemas: schemaRegistry(config),
    store: new ClickHouseBlockStore({
      client,
      owner: `${hostname()}/${String(process.pid)}`,
      tables,
      signal: closing.signal,
    }),
    inserts: new Limiter(INSERTS_AT_A_TIME),
    ...assignment,
    limits: defaultLimits,
    metrics: sinkMetrics(metrics),
    logger,
    onFailure: fail,
  })
  sink.start()
  return {
    ready: () => sink.ready(),
    stop: async () => {
      const impatient = setTimeout(() => {
        closing.abort()
      }, REQUESTS_END_MS)
      await sink.stop()
      clearTimeout(impatient)
      await producer.close({ timeoutMs: 1_000 }).catch(() => undefined)
      await Promise.all([client.close(), cluster.close()])
    },
  }
}

const createDeadLetterTopic = async (
  cluster: KafkaCluster,
  { topic: name, config: { partitions } }: { topic: string; config: Config },
): Promise<void> =>
  kafkaTopicAdmin(cluster).createTopics(wantedInternal([{ name, kind: 'dead-letter', partitions }]))

/** Feed, decoder and sender put together: one anomaly revision in, one accepted post out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { Anomaly } from '../../schemas/generated/signals-anomalies.ts'
import { messageOf } from '../shared/errors.ts'
import type { Readiness } from '../shared/health-server.ts'
import type { Logger } from '../shared/logger.ts'
import type { Metrics } from '../shared/metrics.ts'
import type { LiveSecret } from '../shared/secrets/secrets.ts'
import type { DecodedValue, TopicDecoder } from '../shared/topic-decoder.ts'
import { AnomalyFeed, type FeedRecord } from './anomaly-feed.ts'
import { toMessage } from './message.ts'
import { WebhookSender } from './sender.ts'
import { isWanted } from './tenants.ts'

export interface WebhookOptions {
  readonly url: Pick<LiveSecret, 'current'>
  readonly secret: Pick<LiveSecret, 'current'> | undefined
  /** Whose anomalies are posted; see tenants.ts. */
  readonly tenants: readonly string[]
  readonly cluster: KafkaCluster
  readonly decoder: TopicDecoder<Anomaly>
  readonly topic: string
  readonly groupId: string
  readonly logger: Logger
  readonly metrics: Metrics
  readonly onFailure: (error: unknown) => void
  readonly answerWithinMs?: number
  readonly graceMs?: number
}

export interface RunningWebhook {
  readonly ready: () => Readiness
  readonly stop: () => Promise<void>
}

/** Between two questions to a registry that is away. */
const registryPauseMs = 1_000

export const startWebhook = (options: WebhookOptions): RunningWebhook => {
  const { cluster, groupId, topic, tenants, decoder, logger, metrics, onFailure } = options
  const sender = new WebhookSender(options)
  const unreadable = metrics.counter({
    name: 'webhook_unreadable_records_total',
    help: 'Records of the topic that are no anomaly; logged and passed over.',
  })
  const unwanted = metrics.counter({
    name: 'webhook_unwanted_anomalies_total',
    help: 'Revisions that were not posted because of their tenant (WEBHOOK_TENANTS).',
  })
  const feed = new AnomalyFeed({
    cluster,
    groupId,
    topic,
    logger,
    onFailure,
    ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    async handle(record, signal) {
      const read = await readPatiently(record, signal)
      if (read.kind === 'value') {
        if (isWanted(read.value.tenant, tenants)) await sender.send(toMessage(read.value), signal)
        else unwanted.inc()
        return
      }
      unreadable.inc()
      const { partition, offset } = record
      logger.error({ topic, partition, offset }, `A record is no anomaly: ${read.why}; passed over`)
    },
  })
  metrics.gauge({
    name: 'webhook_in_flight',
    help: 'Anomalies being sent or waiting for their next attempt.',
    collect: (gauge) => {
      gauge.set(feed.inFlight)
    },
  })

  const readPatiently = async (
    record: FeedRecord,
    signal: AbortSignal,
  ): Promise<DecodedValue<Anomaly>> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await decoder.decode(record.value)
      } catch (error) {
        if (attempt === 1) {
          logger.warn({ error: messageOf(error) }, 'Waiting for the schema registry')
        }
        await sleep(registryPauseMs, undefined, { signal })
      }
    }
  }

  feed.start()
  return {
    ready: () => feed.isConsuming || `joining the consumer group ${groupId}`,
    stop: () => feed.close(),
  }
}

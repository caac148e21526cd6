/** Feed, reader and sender put together: one anomaly revision in, one accepted post out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { messageOf } from '../shared/errors.ts'
import type { Readiness } from '../shared/health-server.ts'
import type { Logger } from '../shared/logger.ts'
import type { Metrics } from '../shared/metrics.ts'
import type { Secret } from '../shared/secret.ts'
import { AnomalyFeed, type FeedRecord } from './anomaly-feed.ts'
import type { AnomalyReader, ReadAnomaly } from './anomaly-reader.ts'
import { toMessage } from './message.ts'
import { WebhookSender } from './sender.ts'

export interface WebhookOptions {
  readonly url: Secret
  readonly secret: Secret | undefined
  readonly cluster: KafkaCluster
  readonly reader: AnomalyReader
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
  const { cluster, groupId, topic, reader, logger, metrics, onFailure } = options
  const sender = new WebhookSender(options)
  const unreadable = metrics.counter({
    name: 'webhook_unreadable_records_total',
    help: 'Records of the topic that are no anomaly; logged and passed over.',
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
      if (read.kind === 'anomaly') {
        await sender.send(toMessage(read.anomaly), signal)
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

  const readPatiently = async (record: FeedRecord, signal: AbortSignal): Promise<ReadAnomaly> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await reader.read(record.value)
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

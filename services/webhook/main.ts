/** Posts anomalies to one webhook; without WEBHOOK_URL it has nothing to do and says so. */
import { signalsAnomalies } from '../../schemas/topics.ts'
import type { ExitCode } from '../shared/errors.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { schemaRegistry } from '../shared/registry.ts'
import { runService, type ServiceContext } from '../shared/service.ts'
import { TopicDecoder } from '../shared/topic-decoder.ts'
import { startWebhook } from './webhook.ts'

const groupId = 'millrace-webhook'
const healthPort = 9467

export const run = (): Promise<ExitCode> => runService({ name: 'webhook', healthPort, start })

const start = async (context: ServiceContext) => {
  const { config, logger, metrics, fail } = context
  if (config.webhook === undefined) {
    logger.info('No webhook: WEBHOOK_URL is not set')
    return idle
  }
  const cluster = kafkaCluster(config, { logger })
  const webhook = startWebhook({
    ...config.webhook,
    cluster,
    decoder: new TopicDecoder(signalsAnomalies, schemaRegistry(config)),
    topic: signalsAnomalies.name,
    groupId,
    logger,
    metrics,
    onFailure: fail,
  })
  return {
    ready: webhook.ready,
    async stop() {
      await webhook.stop()
      await cluster.close()
    },
  }
}

/** Keeps the process: a supervisor should not start it again and again. */
const idle = { ready: () => true, stop: () => Promise.resolve() }

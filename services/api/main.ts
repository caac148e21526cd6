/** The query API as a process: brings the real ports, listens, and closes in order. */
import { resolve } from 'node:path'
import { pendingMigrations } from '../../infra/clickhouse/index.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { askRegistry } from '../../pipelines/runtime/kafka/registry-http.ts'
import { allTopics } from '../../schemas/topics.ts'
import { clickhouseTarget, openClickHouse } from '../shared/clickhouse.ts'
import type { Config } from '../shared/config.ts'
import type { ExitCode } from '../shared/errors.ts'
import { openIdentity } from '../shared/identity/open-identity.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { listen } from '../shared/listen.ts'
import { registryConnection } from '../shared/registry.ts'
import { runService, type ServiceContext } from '../shared/service.ts'
import { buildApp } from './app.ts'
import { pipelineLag, sinkLag } from './lag.ts'
import * as probes from './probes.ts'
import { createStorage, maxExecutionSeconds, type Storage } from './queries/storage.ts'
import { createReadiness, type Probe } from './readiness.ts'

/** One probe may take this long; a supervisor that asks /readyz waits a little longer. */
const probeDeadlineMs = 2_000
/** Supervisor, load balancer and page all ask: one round of probes a second serves them. */
const shareReadinessMs = 1_000
/** ClickHouse gives up first, so that its reason reaches the asker. */
const requestTimeoutMs = (maxExecutionSeconds + 5) * 1000

export const run = (): Promise<ExitCode> => runService({ name: 'api', healthPort: 'own', start })

const start = async ({ config, logger, metrics, listeners, signal }: ServiceContext) => {
  const client = openClickHouse(config, { application: 'millrace-api', requestTimeoutMs })
  const cluster = kafkaCluster(config, { logger })
  const storage = createStorage(client)
  const callers = openIdentity(config, { cluster, logger })
  const readiness = createReadiness({
    probes: [
      kafkaProbeOf(cluster),
      registryProbeOf(config),
      probes.identityProbe(callers.identity),
      probes.clickhouseProbe(storage),
      probes.migrationsProbe(() => pendingNames(config)),
      ...config.processes.map(({ name, url }) => probes.processProbe(name, url)),
    ],
    deadlineMs: probeDeadlineMs,
    shareMs: shareReadinessMs,
    nowMs: Date.now,
  })
  const app = await buildApp({
    listeners,
    identity: callers.identity,
    rates: { requestsPerSecond: config.apiKeyRequests, bytesPerSecond: Infinity, nowMs: Date.now },
    storage,
    readiness,
    metrics,
    logger,
    async consumerLag() {
      const urls = config.processes.map(({ url }) => url)
      const lags = await Promise.all([pipelineLag(urls), lagOf(storage, cluster)])
      return lags.flat()
    },
    nowMs: Date.now,
    ...(isDefaultData(config.dataDir) ? {} : { dataFolder: config.dataDir }),
  })
  const stop = async (): Promise<void> => {
    await app.close()
    await callers.close()
    await Promise.all([client.close(), cluster.close()])
  }
  try {
    signal.throwIfAborted()
    const { host, apiPort: port } = config
    await listen(app, { service: 'api', host, port, variable: 'API_PORT' })
  } catch (error) {
    await stop()
    throw error
  }
  return { ready: () => true, stop }
}

/** Where commands look by themselves; both run where `npm start` does. */
const isDefaultData = (folder: string | undefined): folder is undefined =>
  folder === undefined || resolve('.millrace') === folder

const pendingNames = async (config: Config): Promise<string[]> => {
  const pending = await pendingMigrations({ target: await clickhouseTarget(config) })
  return pending.map(({ version, name }) => `${version} ${name}`)
}

const kafkaProbeOf = (cluster: KafkaCluster): Probe =>
  probes.kafkaProbe(async (signal) => {
    const names = allTopics.map(({ name }) => name)
    const limit = { retryTimeoutMs: probeDeadlineMs / 2, signal }
    const topics = await cluster.metadata(names, limit)
    const missingTopics = topics
      .filter(({ errorCode }) => errorCode !== 0)
      .map(({ topic }) => topic)
    return { brokers: cluster.brokerIds.length, missingTopics }
  })

const registryProbeOf = ({ schemaRegistry }: Config): Probe => {
  const connection = {
    ...registryConnection(schemaRegistry),
    requestTimeoutMs: probeDeadlineMs,
  }
  return probes.registryProbe(() => askRegistry(connection, { method: 'GET', path: ['subjects'] }))
}

const lagOf = (storage: Storage, cluster: KafkaCluster) =>
  sinkLag(storage, async (topic) => {
    const limit = { retryTimeoutMs: probeDeadlineMs / 2 }
    const [known] = await cluster.metadata([topic], limit)
    const partitions = (known?.partitions ?? []).map(({ partition }) => ({ topic, partition }))
    return cluster.listOffsets(partitions, 'latest-committed', limit)
  })

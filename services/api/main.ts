/** The query API as a process: brings the real ports, listens, and closes in order. */
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client'
import { pendingMigrations } from '../../infra/clickhouse/index.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { allTopics } from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import { EXIT, messageOf, ServiceError, type ExitCode } from '../shared/errors.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { runService, type ServiceContext } from '../shared/service.ts'
import { buildApp } from './app.ts'
import { pipelineLag, sinkLag } from './lag.ts'
import * as probes from './probes.ts'
import type { ApiInstance } from './ports.ts'
import { createStorage, maxExecutionSeconds, type Storage } from './queries/storage.ts'
import { createReadiness, type Probe } from './readiness.ts'

/** One probe may take this long; a supervisor that asks /readyz waits a little longer. */
const probeDeadlineMs = 2_000
/** Supervisor, load balancer and page all ask: one round of probes a second serves them. */
const shareReadinessMs = 1_000
const connectionsAtMost = 16

export const run = (): Promise<ExitCode> => runService({ name: 'api', healthPort: 'own', start })

const start = async ({ config, logger, metrics, signal }: ServiceContext) => {
  const client = clickhouseClient(config)
  const cluster = kafkaCluster(config, { logger })
  const storage = createStorage(client)
  const readiness = createReadiness({
    probes: [
      kafkaProbeOf(cluster),
      registryProbeOf(config),
      probes.clickhouseProbe(storage),
      probes.migrationsProbe(() => pendingNames(config)),
      ...config.processes.map(({ name, url }) => probes.processProbe(name, url)),
    ],
    deadlineMs: probeDeadlineMs,
    shareMs: shareReadinessMs,
    nowMs: Date.now,
  })
  const app = await buildApp({
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
  })
  const stop = async (): Promise<void> => {
    await app.close()
    await Promise.all([client.close(), cluster.close()])
  }
  try {
    signal.throwIfAborted()
    await listen(app, config)
  } catch (error) {
    await stop()
    throw error
  }
  return { ready: () => true, stop }
}

const listen = async (app: ApiInstance, { host, apiPort }: Config): Promise<void> => {
  try {
    await app.listen({ host, port: apiPort })
  } catch (cause) {
    const message = `api cannot listen on ${host}:${apiPort} (${messageOf(cause)}). Free the port or set API_PORT.`
    throw new ServiceError({ code: 'LISTEN_FAILED', exitCode: EXIT.usage, message, cause })
  }
}

const clickhouseClient = ({ clickhouse }: Config): ClickHouseClient =>
  createClient({
    url: clickhouse.url,
    username: clickhouse.username,
    database: clickhouse.database,
    ...(clickhouse.password === undefined ? {} : { password: clickhouse.password.reveal() }),
    application: 'millrace-api',
    // ClickHouse gives up first, so that its reason reaches the asker.
    request_timeout: (maxExecutionSeconds + 5) * 1000,
    max_open_connections: connectionsAtMost,
    log: { level: ClickHouseLogLevel.OFF }, // errors are thrown, with more to say
  })

const pendingNames = async ({ clickhouse }: Config): Promise<string[]> => {
  const { url, username, password, database } = clickhouse
  const target = { url, username, password: password?.reveal(), database }
  const pending = await pendingMigrations({ target })
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

const registryProbeOf = ({ schemaRegistry: { url, login } }: Config): Probe => {
  if (login === undefined) return probes.registryProbe({ url, authorization: undefined })
  const pair = `${login.username}:${login.password.reveal()}`
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`
  return probes.registryProbe({ url, authorization })
}

const lagOf = (storage: Storage, cluster: KafkaCluster) =>
  sinkLag(storage, async (topic) => {
    const limit = { retryTimeoutMs: probeDeadlineMs / 2 }
    const [known] = await cluster.metadata([topic], limit)
    const partitions = (known?.partitions ?? []).map(({ partition }) => ({ topic, partition }))
    return cluster.listOffsets(partitions, 'latest-committed', limit)
  })

/** The telemetry gateway as a process: brings the real ports, listens, and closes in order. */
import { IdempotentProducer, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { TenantSeen } from '../../schemas/generated/control-tenants.ts'
import {
  controlTenants,
  telemetryAlerts,
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
  telemetrySpans,
} from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import { messageOf, type ExitCode } from '../shared/errors.ts'
import type { Readiness } from '../shared/health-server.ts'
import { openIdentity } from '../shared/identity/open-identity.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { SeriesAdmission, type SeriesRefusal } from '../shared/limits/series-admission.ts'
import { listen } from '../shared/listen.ts'
import { LATENCY_BUCKETS_SECONDS } from '../shared/metrics.ts'
import { registryConnection, schemaRegistry } from '../shared/registry.ts'
import { retry } from '../shared/retry.ts'
import { runService, type RunningService, type ServiceContext } from '../shared/service.ts'
import { openTopicRecords, type TopicRecords } from '../telemetry/topic-records.ts'
import { buildApp } from './app.ts'
import { BodyReader } from './bodies.ts'
import { knownIds } from './warm-ledger.ts'
import { KafkaIntake } from './intake.ts'
import { RecentLedger } from './ledger.ts'
import { SeenTenants } from './seen-tenants.ts'
import type { DoorScope, GatewayRecords } from './ports.ts'
import { openWaitingRoom } from './waiting-room.ts'
import { webhookSecrets } from './webhooks/webhook-secrets.ts'

/** Bodies of requests that have not been answered: some large ones at a time, or many small ones. */
const BODIES_IN_HAND = 4
const BODY_TIMEOUT_MS = 30_000
const MINUTE_MS = 60_000
const RECENT_REQUESTS = { entries: 50_000, ageMs: 10 * MINUTE_MS }
const RECENT_IDS = { entries: 50_000, ageMs: 24 * 60 * MINUTE_MS }
/** How long a batch may wait for company: single points come by the thousand. */
const LINGER_MS = 3
const STOP_PATIENCE_MS = 8_000

export const run = (): Promise<ExitCode> =>
  runService({ name: 'gateway', healthPort: 'own', start })

const start = async (context: ServiceContext): Promise<RunningService> => {
  const { config, logger, metrics, signal } = context
  let waitsFor = 'Kafka and the schema registry have not answered yet'
  const { host, gateway } = config
  const place = { service: 'gateway', host, port: gateway.port, variable: 'GATEWAY_PORT' }
  const { listeners } = context
  const room = await openWaitingRoom({ ...place, listeners, reason: () => waitsFor })
  const cluster = kafkaCluster(config, { logger })
  const producer = new IdempotentProducer({
    cluster,
    name: 'gateway',
    lingerMs: LINGER_MS,
    // The intake has the bound; and what was taken is sent for as long as this process lives.
    bufferBytes: Infinity,
    deliveryTimeoutMs: Infinity,
  })
  const callers = openIdentity(config, { cluster, logger })
  const stop = async (app?: DoorScope): Promise<void> => {
    await app?.close()
    await callers.close()
    await producer.close({ timeoutMs: STOP_PATIENCE_MS }).catch((error: unknown) => {
      logger.warn({ err: error }, 'ended with records that Kafka has not acknowledged')
    })
    await cluster.close()
  }
  let app: DoorScope | undefined
  try {
    const { records, tenants } = await retry({
      what: 'Kafka and the schema registry',
      attempt: () => connect(config, { cluster, producer }),
      // Topics and schemas may be created after this process has started.
      isRetryable: () => true,
      signal,
      onRetry: ({ error, attempt }) => {
        waitsFor = `waiting for Kafka and the schema registry: ${messageOf(error)}`
        if (attempt % 20 === 1) logger.warn({ err: error }, 'waiting for Kafka and the registry')
      },
    })
    const intake = intakeOf(config, { producer, metrics, logger, tenants })
    const ready = (): Readiness => {
      const taken = intake.ready()
      return taken === true ? callers.identity.ready() : taken
    }
    const series = seriesAdmission(config, { metrics, logger })
    app = await buildApp({
      listeners: context.listeners,
      admitSeries: (tenant, seriesHash) => series.admit(tenant, seriesHash),
      rates: {
        requestsPerSecond: config.gateway.keyRequests,
        bytesPerSecond: config.gateway.keyBytes,
        nowMs: Date.now,
      },
      identity: callers.identity,
      bodies: new BodyReader({
        bodyBytes: config.gateway.bodyBytes,
        allBytes: BODIES_IN_HAND * config.gateway.bodyBytes,
        timeoutMs: BODY_TIMEOUT_MS,
      }),
      intake,
      ledger: await warmLedger(config, { cluster, signal }),
      records,
      webhookSecrets: webhookSecrets(config.gateway.webhookSecrets),
      ready: () => (signal.aborted ? 'stopping' : ready()),
      metrics,
      logger,
      nowMs: Date.now,
    })
    signal.throwIfAborted()
    await room.close()
    await listen(app, place)
    const listening = app
    return { ready, stop: () => stop(listening) }
  } catch (error) {
    await room.close()
    await stop(app)
    throw error
  }
}

interface Connections {
  readonly cluster: KafkaCluster
  readonly producer: IdempotentProducer
}

const connect = async (
  config: Config,
  { cluster, producer }: Connections,
): Promise<{ readonly records: GatewayRecords; readonly tenants: TopicRecords<TenantSeen> }> => {
  const servers = { cluster, registry: registryConnection(config.schemaRegistry) }
  const [metrics, logs, spans, deployments, alerts, tenants] = await Promise.all([
    openTopicRecords(telemetryMetrics, servers),
    openTopicRecords(telemetryLogs, servers),
    openTopicRecords(telemetrySpans, servers),
    openTopicRecords(telemetryDeployments, servers),
    openTopicRecords(telemetryAlerts, servers),
    openTopicRecords(controlTenants, servers),
  ])
  await producer.prepare(written.map(({ name }) => name))
  return { records: { metrics, logs, spans, deployments, alerts }, tenants }
}

const written = [
  telemetryMetrics,
  telemetryLogs,
  telemetrySpans,
  telemetryDeployments,
  telemetryAlerts,
  controlTenants,
]

/** Kafka was there a moment ago; where it is gone again, the process ends and is started anew. */
const warmLedger = async (
  config: Config,
  { cluster, signal }: Pick<Connections, 'cluster'> & Pick<ServiceContext, 'signal'>,
): Promise<RecentLedger> => {
  const ledger = new RecentLedger({
    requests: RECENT_REQUESTS,
    ids: RECENT_IDS,
    nowMs: Date.now,
  })
  const options = {
    cluster,
    registry: schemaRegistry(config),
    sinceMs: Date.now() - RECENT_IDS.ageMs,
    signal,
  }
  const known = await Promise.all([
    knownIds({ ...options, topic: telemetryDeployments }),
    knownIds({ ...options, topic: telemetryAlerts }),
  ])
  ledger.warm(known.flat())
  return ledger
}

/** A line a minute says which tenant it was last; metrics count all of them. */
const seriesAdmission = (
  { gateway }: Config,
  { metrics, logger }: Pick<ServiceContext, 'metrics' | 'logger'>,
): SeriesAdmission => {
  const refused = metrics.counter({
    name: 'gateway_series_refused_total',
    help: 'Times that a series was refused, by the limit that it met.',
    labels: ['reason'],
  })
  const warn = onceAMinute((tenant: string, reason: SeriesRefusal) => {
    logger.warn(
      { tenant, reason },
      'Series are refused: a tenant has too many, or too many new ones',
    )
  })
  const series = new SeriesAdmission({
    limits: gateway.series,
    byTenant: gateway.seriesByTenant,
    nowMs: Date.now,
    onRefused: (reason, tenant) => {
      refused.inc({ reason })
      warn(tenant, reason)
    },
  })
  metrics.gauge({
    name: 'gateway_series_count',
    help: 'Series of the last one to two days, all tenants.',
    collect: (gauge) => {
      gauge.set(series.size)
    },
  })
  return series
}

/** Whatever happens by the thousand is told, and does not drown the log. */
const onceAMinute = <Said extends unknown[]>(say: (...said: Said) => void) => {
  let quietUntilMs = 0
  return (...said: Said): void => {
    if (Date.now() < quietUntilMs) return
    quietUntilMs = Date.now() + MINUTE_MS
    say(...said)
  }
}

const intakeOf = (
  { gateway }: Config,
  {
    producer,
    metrics,
    logger,
    tenants,
  }: Pick<Connections, 'producer'> &
    Pick<ServiceContext, 'metrics' | 'logger'> & { readonly tenants: TopicRecords<TenantSeen> },
): KafkaIntake => {
  const seenTenants = new SeenTenants({ recordOf: (seen) => tenants.borrow(seen), nowMs: Date.now })
  const acknowledgement = metrics.histogram({
    name: 'gateway_acknowledgement_duration_seconds',
    help: 'Time until Kafka has acknowledged all of a request.',
    buckets: LATENCY_BUCKETS_SECONDS,
  })
  const { pendingBytes, waitMs } = gateway
  return new KafkaIntake({
    producer,
    limits: {
      pendingBytes,
      // Two that send as fast as they can leave room for nobody else; one does.
      senderBytes: Math.ceil(pendingBytes / 2),
      requestBytes: pendingBytes,
      waitMs,
    },
    nowMs: Date.now,
    random: Math.random,
    wordOf: (tenant) => seenTenants.word(tenant),
    onAcknowledged: (afterMs) => {
      acknowledgement.observe(afterMs / 1000)
    },
    onRefused: onceAMinute((error: unknown) => {
      logger.error({ err: error }, 'Kafka refuses what was sent: senders are told to come again')
    }),
  })
}

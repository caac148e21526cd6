/**
 * host: watches the machine and the local stack, and is the clock of live tenants.
 *
 * Every five seconds: one reading of everything into telemetry.metrics, then, when that is
 * acknowledged, one tick per live tenant into every partition of control.ticks. Live are those of
 * TENANTS, and those that control.tenants has seen. Without the demo
 * (MILLRACE_DEMO=false) it is the clock only.
 */
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { layoutOf, readPidRecords } from '../../infra/local/index.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { controlTenants } from '../../schemas/topics.ts'
import type { Config } from '../shared/config.ts'
import type { ExitCode } from '../shared/errors.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import type { Metrics } from '../shared/metrics.ts'
import { registryConnection, schemaRegistry } from '../shared/registry.ts'
import { retry } from '../shared/retry.ts'
import { runService, type RunningService, type ServiceContext } from '../shared/service.ts'
import { TopicFollower } from '../shared/topic-follower.ts'
import { openTelemetryOutput, type TelemetryOutput } from '../telemetry/telemetry-output.ts'
import { heartbeat } from './heartbeat.ts'
import { LiveTenants } from './live-tenants.ts'
import { Outbox } from './outbox.ts'
import { pointRecords, tickRecords } from './records.ts'
import { machineSampler, type Sampler } from './sampler.ts'

const HEALTH_PORT = 9466
const INTERVAL_MS = 5_000
/** A source slower than this misses the moment. */
const SAMPLE_TIMEOUT_MS = 4_000
/** About half an hour of a machine with its stack, some 10 MB. */
const MAX_WAITING_POINTS = 20_000
/** Nothing acknowledged for this long: not ready. */
const STALE_MS = 30_000
const STOP_PATIENCE_MS = 5_000

export const run = (): Promise<ExitCode> =>
  runService({ name: 'host', healthPort: HEALTH_PORT, start })

const start = async (context: ServiceContext): Promise<RunningService> => {
  const { config, logger, metrics, signal } = context
  const cluster = kafkaCluster(config, { logger })
  try {
    const output = await retry({
      what: 'Kafka and the schema registry',
      attempt: () => connect(cluster, config),
      // Topics and schemas may be created after this process has started.
      isRetryable: () => true,
      signal,
      onRetry: ({ error, attempt }) => {
        if (attempt % 20 === 1) logger.warn({ err: error }, 'waiting for Kafka and the registry')
      },
    })
    return watch(context, { cluster, ...output, counters: countersOf(metrics) })
  } catch (error) {
    await cluster.close()
    throw error
  }
}

const connect = (cluster: KafkaCluster, config: Config): Promise<TelemetryOutput> =>
  openTelemetryOutput({
    cluster,
    registry: registryConnection(config.schemaRegistry),
    name: 'host',
    // An outage only delays: what is on its way is sent until it is acknowledged, exactly once.
    deliveryTimeoutMs: Infinity,
    closeTimeoutMs: 1_000,
  })

interface Watch extends TelemetryOutput {
  readonly cluster: KafkaCluster
  readonly counters: ReturnType<typeof countersOf>
}

const watch = (
  { config, logger, metrics, signal }: ServiceContext,
  { cluster, publisher, records, counters }: Watch,
): RunningService => {
  const tenants = new LiveTenants(config.liveTenants)
  const follower = new TopicFollower({
    cluster,
    registry: schemaRegistry(config),
    logger,
    topic: controlTenants,
    onValue: (seen) => tenants.add(seen),
    onNew: () => undefined,
  })
  const whose = { tenant: config.liveTenants[0] ?? 'default', host: hostname() }
  let acknowledgedMs = Date.now()
  const outbox = new Outbox({
    maxPoints: MAX_WAITING_POINTS,
    publishPoints: async (moments) => {
      const points = moments.flatMap((moment) => pointRecords(moment, whose, records))
      if (points.length === 0) return
      await publisher.publish(points)
      acknowledgedMs = Date.now()
      counters.published.inc(points.length)
    },
    publishTick: async (timestampMs) => {
      await publisher.publish(tickRecords(timestampMs, tenants.at(timestampMs), records))
      acknowledgedMs = Date.now()
    },
    onDropped: (points) => {
      counters.dropped.inc({ reason: 'queue-full' }, points)
    },
    onFailed: (points, error) => {
      if (signal.aborted) return
      counters.dropped.inc({ reason: 'failed' }, points)
      logger.error({ err: error }, 'metrics of this machine could not be published')
    },
  })
  metrics.gauge({
    name: 'host_queue_points',
    help: 'Points that wait for Kafka',
    collect: (gauge) => {
      gauge.set(outbox.waitingPoints)
    },
  })
  const sample = config.demo ? machineSamplerOf(config, { logger, counters }) : nothing
  const beating = heartbeat({
    intervalMs: INTERVAL_MS,
    now: Date.now,
    signal,
    beat: async (timestampMs) => {
      outbox.put({ timestampMs, readings: await sample() })
    },
  })
  return {
    ready: () =>
      Date.now() - acknowledgedMs < STALE_MS || 'Kafka has not acknowledged anything for 30 s',
    stop: async () => {
      await beating
      await follower.close()
      await Promise.race([outbox.idle(), sleep(STOP_PATIENCE_MS, undefined, { ref: false })])
      await publisher.close().catch((error: unknown) => {
        logger.warn({ err: error }, 'ended with metrics that Kafka has not acknowledged')
      })
      await outbox.idle()
      await cluster.close()
    },
  }
}

const nothing: Sampler = () => Promise.resolve([])

const machineSamplerOf = (
  config: Config,
  { logger, counters }: Pick<ServiceContext, 'logger'> & Pick<Watch, 'counters'>,
): Sampler =>
  machineSampler({
    stackProcesses: () => stackProcesses(config.dataDir),
    timeoutMs: SAMPLE_TIMEOUT_MS,
    onFailure: (source, error) => {
      counters.failures.inc({ source })
      logger.debug({ err: error, source }, 'could not read a part of the machine')
    },
  })

const stackProcesses = (dataDir: string | undefined) =>
  dataDir === undefined ? [] : readPidRecords(layoutOf(dataDir).pids)

const countersOf = (metrics: Metrics) => ({
  published: metrics.counter({
    name: 'host_points_total',
    help: 'Points of this machine that Kafka has acknowledged',
  }),
  dropped: metrics.counter({
    name: 'host_dropped_points_total',
    help: 'Points of this machine that were not published',
    labels: ['reason'],
  }),
  failures: metrics.counter({
    name: 'host_read_failures_total',
    help: 'Parts of the machine that could not be read',
    labels: ['source'],
  }),
})

/**
 * The life of a process: configuration, health, start, drain, exit code. Every `main.ts` is one
 * call of this.
 *
 * S1: SIGTERM and SIGINT, once or more often, and the end of the parent process (its IPC channel
 *     closes) drain the service and end with 0; a repeated signal neither hurries nor breaks it.
 * S2: draining has a deadline; after it the process ends with 4 and says so.
 * S3: a rejection or exception that nobody handled ends the process at once with 1, undrained:
 *     its state cannot be trusted, and what it had open is aborted by the next owner.
 * S4: the caller ends the process with the returned code (`process.exit(await run())`): a
 *     connection that a library forgot must not keep it alive.
 */
import { type Config, readConfig } from './config.ts'
import { EXIT, type ExitCode, exitCodeOf, messageOf, ServiceError } from './errors.ts'
import { type HealthServer, type Readiness, startHealthServer } from './health-server.ts'
import { createLogger, type Logger } from './logger.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type Listeners, openListeners } from './tls.ts'

export interface ServiceContext {
  readonly config: Config
  readonly logger: Logger
  readonly metrics: Metrics
  /** Makes the servers of this process. */
  readonly listeners: Listeners
  /** Aborts when the process is to stop; hand it to whatever waits. */
  readonly signal: AbortSignal
  /** Ends the service because of an error that arose outside of start and stop. */
  readonly fail: (error: unknown) => void
}

export interface RunningService {
  /** `true`, or why not. */
  ready(): Readiness
  /** Stops taking work, finishes or gives back what it has, and closes everything. */
  stop(): Promise<void>
}

export interface ServiceDefinition {
  readonly name: string
  /**
   * Port of /healthz, /readyz and /metrics when METRICS_PORT is not set, or `own` for a service
   * whose HTTP server has these paths itself.
   */
  readonly healthPort: number | 'own'
  readonly drainDeadlineMs?: number
  readonly start: (context: ServiceContext) => Promise<RunningService>
}

const DRAIN_DEADLINE_MS = 15_000

type End =
  | { readonly kind: 'asked'; readonly by: string }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'crashed'; readonly error: unknown }

/** Settles with the first reason to end; later ones are ignored. */
const watchForEnd = () => {
  const { promise, resolve } = Promise.withResolvers<End>()
  // Never removed: a second signal that arrives while the process is exiting must not kill it (S1).
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      resolve({ kind: 'asked', by: name })
    })
  }
  const parentGone = () => {
    resolve({ kind: 'asked', by: 'end of the parent process' })
  }
  process.on('disconnect', parentGone)
  if (process.send && !process.connected) parentGone()
  for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(name, (error: unknown) => {
      resolve({ kind: 'crashed', error })
    })
  }
  const fail = (error: unknown) => {
    resolve({ kind: 'failed', error })
  }
  return { ended: promise, fail }
}

const report = (logger: Logger, name: string, error: unknown): ExitCode => {
  logger.error({ err: error }, `${name} ends: ${messageOf(error)}`)
  process.stderr.write(`${name}: ${messageOf(error)}\n`)
  return exitCodeOf(error)
}

const withinDeadline = async (work: Promise<void>, deadlineMs: number): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const message = `Not drained within ${deadlineMs} ms; ended without. Open transactions are aborted by the next owner.`
    reject(new ServiceError({ code: 'STOP_TIMEOUT', exitCode: EXIT.timeout, message }))
  }, deadlineMs)
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Runs the service until it is asked to stop, fails or crashes; returns the exit code (S4). */
export const runService = async (definition: ServiceDefinition): Promise<ExitCode> => {
  const { name } = definition
  let config: Config
  try {
    config = readConfig()
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`)
    return exitCodeOf(error)
  }
  const logger = createLogger({ service: name, level: config.logLevel })
  return supervise(definition, config, logger)
}

/** One round at a time: a Vault that is slow is not asked by several. */
const refreshSecrets = ({ secrets, secretsRefreshMs }: Config, logger: Logger): (() => void) => {
  let isRefreshing = false
  const timer = setInterval(() => {
    if (isRefreshing) return
    isRefreshing = true
    void secrets.refresh(logger).finally(() => {
      isRefreshing = false
    })
  }, secretsRefreshMs)
  return () => {
    clearInterval(timer)
  }
}

const supervise = async (
  definition: ServiceDefinition,
  config: Config,
  logger: Logger,
): Promise<ExitCode> => {
  const { name, drainDeadlineMs = DRAIN_DEADLINE_MS } = definition
  const metrics = createMetrics({ service: name })
  const { ended, fail } = watchForEnd()
  const stopping = new AbortController()
  let running: RunningService | undefined
  let health: HealthServer | undefined

  const readiness = (): Readiness => {
    if (stopping.signal.aborted) return 'stopping'
    return running ? running.ready() : 'starting'
  }
  let listeners: Listeners
  try {
    await config.secrets.readAll()
    listeners = await openListeners(config, logger)
  } catch (error) {
    return report(logger, name, error)
  }
  const stopRefreshing = refreshSecrets(config, logger)
  if (definition.healthPort !== 'own') {
    const port = config.metricsPort ?? definition.healthPort
    const { registry } = metrics
    const options = {
      service: name,
      host: config.host,
      port,
      registry,
      ready: readiness,
      listeners,
    }
    try {
      health = await startHealthServer(options)
    } catch (error) {
      return report(logger, name, error)
    }
  }

  logger.info(`${name} starting`)
  const context = { config, logger, metrics, listeners, signal: stopping.signal, fail }
  const starting = definition.start(context).then(
    (service) => {
      running = service
      logger.info(`${name} started`)
    },
    (error: unknown) => {
      // What start throws because it was told to stop is no failure.
      if (!stopping.signal.aborted) fail(error)
    },
  )

  const end = await ended
  if (end.kind === 'crashed') {
    logger.fatal({ err: end.error }, `${name} crashed: ${messageOf(end.error)}`)
    process.stderr.write(`${name}: ${messageOf(end.error)}\n`)
    return EXIT.negative
  }
  if (end.kind === 'asked') logger.info(`${name} stopping: ${end.by}`)
  let code: ExitCode = end.kind === 'failed' ? report(logger, name, end.error) : EXIT.done
  stopping.abort(new Error(`${name} is stopping`))
  try {
    const drain = starting
      .then(() => running?.stop())
      .then(() => health?.close())
      .then(() => {
        stopRefreshing()
        listeners.close()
      })
    await withinDeadline(drain, drainDeadlineMs)
    logger.info(`${name} stopped`)
  } catch (error) {
    const stopCode = report(logger, name, error)
    if (code === EXIT.done) code = stopCode
  }
  return code
}

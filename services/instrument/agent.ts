/**
 * The instrument of one process: what it watches, and where what it sees goes.
 *
 * I1: whatever goes wrong in here, requests are served as if it were not there; it is said once a minute at most.
 */
import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { hostname } from 'node:os'
import { tracedCalls } from './calls.ts'
import { watchHttpClient } from './client-http.ts'
import { watchUndici } from './client-undici.ts'
import { Endpoints } from './endpoint.ts'
import { expressAppOf, isExpressApp, watchExpress } from './express.ts'
import { addHooks, type FastifyLike, nameService, watchFastify } from './fastify.ts'
import { watchExit } from './exit.ts'
import { type Exporter, exporterOf, type Letter, type Signal } from './exporter.ts'
import { type ExporterOptions, exporterSettings } from './exporter-options.ts'
import { encodeLogs, type LogLine } from './otlp-logs.ts'
import { encodeSpans } from './otlp-spans.ts'
import { Outbox, type OutboxCounts } from './outbox.ts'
import { Recorder } from './recorder.ts'
import { watchServers } from './server-requests.ts'
import type { Settings } from './settings.ts'
import type { Service, Span } from './span.ts'

/** What an app of this process says of itself; the process's own settings fill the rest. */
export interface AppOptions {
  readonly service?: string
  readonly version?: string
  readonly environment?: string
  /** Where the telemetry of the whole process goes, in place of what the environment says. */
  readonly exporter?: ExporterOptions
}

const LOOK_MS = 1_000
const SAY_AGAIN_MS = 60_000

export class Agent {
  readonly #settings: Settings
  readonly #service: Service
  readonly #outbox: Outbox<Span>
  readonly #logs: Outbox<LogLine>
  readonly #recorder: Recorder
  readonly #stops: (() => void)[] = []
  #exporter: Exporter
  /** Of servers and Express apps that were given options. */
  readonly #named = new WeakMap<object, Service>()
  /** Of servers that have served. */
  readonly #known = new WeakMap<Server, Service>()
  #saidMs = -Infinity

  constructor(settings: Settings) {
    this.#settings = settings
    this.#service = {
      attributes: {
        ...settings.resource,
        'service.instance.id': randomUUID(),
        'host.name': hostname(),
        'process.pid': String(process.pid),
        'telemetry.sdk.name': 'millrace',
        'telemetry.sdk.language': 'nodejs',
      },
    }
    this.#exporter = exporterOf(settings.exporter)
    const endpoints = new Endpoints()
    this.#outbox = new Outbox<Span>(
      {
        sizeOf: sizeOfSpan,
        encode: (spans) => encodeSpans(spans, endpoints),
        ...this.#way('traces'),
      },
      { maxItems: settings.maxQueueItems, delayMs: settings.delayMs },
    )
    this.#logs = new Outbox<LogLine>(
      {
        sizeOf: ({ line }) => 128 + 2 * line.length,
        encode: (lines) => encodeLogs(lines, this.#service),
        ...this.#way('logs'),
      },
      { maxItems: settings.maxQueueItems, delayMs: settings.delayMs },
    )
    const { sampledShare, unfinishedAfterMs } = settings
    const put = (span: Span): void => this.#outbox.put(span)
    this.#recorder = new Recorder({ put, sampledShare, unfinishedAfterMs })
  }

  /** How many spans went which way. */
  get counts(): Readonly<OutboxCounts> {
    return this.#outbox.counts
  }

  start(): void {
    for (const problem of this.#settings.problems)
      process.emitWarning(`millrace/instrument: ${problem}.`)
    const { traceHeader } = this.#settings
    const recorder = this.#recorder
    const guard = (work: () => void): void => this.#guard(work)
    const serviceOf = (server: Server): Service => this.#known.get(server) ?? this.#meet(server)
    const calls = tracedCalls(recorder, this.#service, guard)
    const looking = setInterval(() => recorder.look(), LOOK_MS).unref()
    this.#stops.push(
      watchServers({ recorder, serviceOf, traceHeader, guard }),
      watchFastify(guard),
      watchHttpClient(calls),
      watchUndici(calls),
      watchExit({
        recorder,
        waiting: () => this.#outbox.waiting + this.#logs.waiting,
        flush: (limitMs) => this.flush(limitMs),
        take: () => this.#takeAll(),
        postNow: (letters, limitMs) => guard(() => this.#exporter.postNow(letters, limitMs)),
      }),
      () => clearInterval(looking),
    )
  }

  async stop(limitMs: number): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    await this.flush(limitMs)
    this.#exporter.close()
  }

  /** What is under way is sent again, the new way. */
  sendBy(options: ExporterOptions): void {
    this.#guard(() => {
      const old = this.#exporter
      this.#exporter = exporterOf(exporterSettings(options))
      old.close()
    })
  }

  async flush(limitMs: number): Promise<void> {
    await Promise.all([this.#outbox.flush(limitMs), this.#logs.flush(limitMs)])
  }

  /** One line of a logger. */
  log(line: string): void {
    this.#logs.put({ line, atMs: Date.now() })
  }

  #takeAll(): Letter[] {
    return [
      { signal: 'traces', bodies: this.#outbox.leftBodies() },
      { signal: 'logs', bodies: this.#logs.leftBodies() },
    ]
  }

  /** Whichever the exporter is by then. */
  #way(signal: Signal) {
    return {
      post: (body: string) => this.#exporter.post(signal, body),
      hold: (hold: boolean) => this.#exporter.hold(signal, hold),
      onTrouble: (what: string) => this.#say(`${signal}: ${what}`),
    }
  }

  /** Adds what the app's framework knows, and says whose work its requests are. */
  instrument(app: object, options: AppOptions): void {
    const { exporter } = options
    if (exporter !== undefined) this.sendBy(exporter)
    const service = this.#serviceNamed(options)
    if (isFastify(app)) {
      addHooks(app)
      if (service !== undefined) nameService(app, service)
      return
    }
    if (isExpressApp(app)) watchExpress(app)
    if (service !== undefined) this.#named.set(app, service)
  }

  #serviceNamed({ service, version, environment }: AppOptions): Service | undefined {
    if (service === undefined && version === undefined && environment === undefined)
      return undefined
    return {
      attributes: {
        ...this.#service.attributes,
        ...(service === undefined ? {} : { 'service.name': service }),
        ...(version === undefined ? {} : { 'service.version': version }),
        ...(environment === undefined ? {} : { 'deployment.environment.name': environment }),
      },
    }
  }

  /** The first requests of a server: what it is made of is looked at until that is known. */
  #meet(server: Server): Service {
    const app = expressAppOf(server)
    const named = this.#named.get(server) ?? (app && this.#named.get(app)) ?? this.#service
    if (app === undefined || watchExpress(app)) this.#known.set(server, named)
    return named
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#say(String(error))
    }
  }

  #say(what: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#saidMs < SAY_AGAIN_MS) return
    this.#saidMs = nowMs
    const { sent, dropped, refused, failed } = this.counts
    process.emitWarning(
      `millrace/instrument: ${what} (so far ${sent} sent, ${dropped} dropped, ${refused} refused, ${failed} given up). The application is not affected.`,
    )
  }
}

const isFastify = (app: object): app is FastifyLike => 'addHook' in app

/** Fields and their names; text of failures is what can be long. */
const sizeOfSpan = ({ path, failure }: Span): number =>
  512 + 2 * (path.length + (failure?.message.length ?? 0) + (failure?.stack?.length ?? 0))

/** The one instrument of this process, and what an application may ask of it. */
import { Agent, type AppOptions } from './agent.ts'
import type { ExporterOptions } from './exporter-options.ts'
import type { OutboxCounts } from './outbox.ts'
import type { Settings } from './settings.ts'

let agent: Agent | undefined

/** The first call counts: a second instrument would see every request once more. */
export const startInstrument = (settings: Settings): void => {
  if (agent !== undefined || !settings.enabled) return
  agent = new Agent(settings)
  agent.start()
}

/**
 * Says whose work the requests of an app are: of a Fastify instance or a scope of one, an Express
 * app, or a server of node:http. Returns the app. Without options it is not needed where this module
 * is loaded before the app is made.
 */
export const instrument = <App extends object>(app: App, options: AppOptions = {}): App => {
  agent?.instrument(app, options)
  return app
}

/** From now on everything goes there; what is under way is sent again. */
export const sendBy = (exporter: ExporterOptions): void => agent?.sendBy(exporter)

/** How many spans went which way, for an application's own metrics. */
export const spanCounts = (): Readonly<OutboxCounts> | undefined => agent?.counts

/** Sends what is queued, for so long at most. */
export const flush = (limitMs = 1_000): Promise<void> => agent?.flush(limitMs) ?? Promise.resolve()

/** A destination for pino, beside the ones it has: `pino(options, pino.multistream([process.stdout, logStream()]))`. */
export const logStream = (): { write(line: string): void } => ({
  write: (line) => agent?.log(line),
})

/**
 * `millrace/instrument`: traces of a Node service without code.
 *
 *   node --import millrace/instrument app.js
 *
 * To import it is to start it, with settings from the environment (docs/instrument.md). What is
 * exported is for apps that say more of themselves.
 */
import { Agent, type AppOptions } from './agent.ts'
import { currentTrace, type TraceIds } from './context.ts'
import type { OutboxCounts } from './outbox.ts'
import { settingsFrom } from './settings.ts'

export { type AppOptions, currentTrace, type OutboxCounts, type TraceIds }

const settings = settingsFrom(process.env)
const agent = settings.enabled ? new Agent(settings) : undefined
agent?.start()

/**
 * Says whose work the requests of an app are: of a Fastify instance or a scope of one, an Express
 * app, or a server of node:http. Returns the app. Without options it is not needed where this module
 * is loaded before the app is made.
 */
export const instrument = <App extends object>(app: App, options: AppOptions = {}): App => {
  agent?.instrument(app, options)
  return app
}

/** How many spans went which way, for an application's own metrics. */
export const spanCounts = (): Readonly<OutboxCounts> | undefined => agent?.counts

/** Sends what is queued, for so long at most; an application that ends by itself needs it not. */
export const flush = (limitMs = 1_000): Promise<void> => agent?.flush(limitMs) ?? Promise.resolve()

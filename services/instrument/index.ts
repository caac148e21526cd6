/**
 * `millrace/instrument`: traces of a Node service without code.
 *
 *   node --import millrace/instrument app.js
 *
 * To import it is to start it, with settings from the environment (docs/instrument.md). What is
 * exported is for apps that say more of themselves.
 */
import { settingsFrom } from './settings.ts'
import { startInstrument } from './start.ts'

export type { AppOptions } from './agent.ts'
export type { ExporterOptions } from './exporter-options.ts'
export { currentTrace, type TraceIds } from './context.ts'
export type { OutboxCounts } from './outbox.ts'
export { flush, instrument, logStream, sendBy, spanCounts } from './start.ts'

startInstrument(settingsFrom(process.env))

/**
 * Structured logs: one JSON object per line on stdout.
 *
 * Levels: `error` someone must act; `warn` something went wrong and recovered; `info` lifecycle;
 * nothing per record above `debug`.
 */
import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

const SECRET_FIELDS = [
  'password',
  'secret',
  'token',
  'apiKey',
  'api_key',
  'authorization',
  'cookie',
  'sasl',
]

/** Field names that hold secrets, at the top and up to two objects deep. */
const redactPaths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

export interface LoggerOptions {
  /** The process's name, in every line. */
  readonly service: string
  readonly level: string
  /** Stdout unless a test wants the lines. */
  readonly destination?: DestinationStream
}

export const createLogger = (options: LoggerOptions): Logger => {
  const settings = {
    level: options.level,
    base: { service: options.service, pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    // Level names, not pino's numbers: people and log pipelines read them alike.
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactPaths, censor: '[secret]' },
  }
  return options.destination ? pino(settings, options.destination) : pino(settings)
}

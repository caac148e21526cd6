/** What loggers call their levels, as the levels of `telemetry.logs`. */
import type { LogLevel } from '../../schemas/generated/telemetry-logs.ts'

/** Beginnings of words: `WARNING`, `err`, `Informational`, `crit`. */
const WORDS: readonly (readonly [beginning: string, level: LogLevel])[] = [
  ['trace', 'trace'],
  ['verbose', 'trace'],
  ['finest', 'trace'],
  ['debug', 'debug'],
  ['fine', 'debug'],
  ['info', 'info'],
  ['notice', 'info'],
  ['warn', 'warn'],
  ['err', 'error'],
  ['severe', 'error'],
  ['crit', 'fatal'],
  ['fatal', 'fatal'],
  ['alert', 'fatal'],
  ['emerg', 'fatal'],
  ['panic', 'fatal'],
]

export const levelOfText = (text: string): LogLevel => {
  const word = text.trim().toLowerCase()
  return WORDS.find(([beginning]) => word.startsWith(beginning))?.[1] ?? 'unspecified'
}

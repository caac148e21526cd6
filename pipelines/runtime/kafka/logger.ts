/** What this room needs of a logger; a pino logger is one. */
export interface KafkaLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const ignore = (): void => undefined

export const silentLogger: KafkaLogger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
}

/**
 * Operational failures of processes, and what a process's exit code says about them.
 *
 * Every code is listed in docs/errors.md; `docs/errors.test.ts` proves list and code agree.
 */

export const SERVICE_ERROR_CODES = [
  'CONFIG_INVALID',
  'DEPENDENCY_UNREACHABLE',
  'INPUT_INVALID',
  'LISTEN_FAILED',
  'SCHEMA_NOT_REGISTERED',
  'SECRET_INVALID',
  'SECRET_UNAVAILABLE',
  'STOP_TIMEOUT',
  'USAGE_INVALID',
] as const

export type ServiceErrorCode = (typeof SERVICE_ERROR_CODES)[number]

/** Exit codes every command and service shares. */
export const EXIT = {
  done: 0,
  negative: 1,
  usage: 2,
  unreachable: 3,
  timeout: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface ServiceErrorOptions {
  readonly code: ServiceErrorCode
  readonly message: string
  readonly retryable?: boolean
  readonly exitCode?: ExitCode
  readonly cause?: unknown
}

export class ServiceError extends Error {
  readonly code: ServiceErrorCode
  readonly retryable: boolean
  readonly exitCode: ExitCode

  constructor(options: ServiceErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ServiceError'
    this.code = options.code
    this.retryable = options.retryable ?? false
    this.exitCode = options.exitCode ?? EXIT.negative
  }
}

/** An argument or option of a command that cannot be meant. */
export const usageError = (message: string, cause?: unknown): ServiceError =>
  new ServiceError({ code: 'USAGE_INVALID', exitCode: EXIT.usage, message, cause })

/** How deep a chain of causes is followed; a longer one is a loop. */
const MAX_CAUSES = 8

/**
 * The exit code an error that ended a process stands for. Rooms below the services know nothing of
 * exit codes: there, the code's name tells it (`*_UNREACHABLE`, `*_TIMEOUT`), or that the same call
 * may succeed later (`retryable`): then something needed was not available.
 */
export const exitCodeOf = (error: unknown): ExitCode => {
  let current: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && typeof current === 'object' && current; depth += 1) {
    const { exitCode, code, retryable, cause } = current as Record<string, unknown>
    for (const known of Object.values(EXIT)) {
      if (exitCode === known && known !== EXIT.done) return known
    }
    if (typeof code === 'string') {
      if (code.endsWith('_UNREACHABLE')) return EXIT.unreachable
      if (code.endsWith('_TIMEOUT')) return EXIT.timeout
    }
    if (retryable === true) return EXIT.unreachable
    current = cause
  }
  return EXIT.negative
}

/** What to show of anything thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

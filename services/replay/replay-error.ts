import { EXIT, type ExitCode } from '../shared/errors.ts'

export type ReplayErrorCode =
  | 'REPLAY_CLOCK_AHEAD'
  | 'REPLAY_FILE_UNREADABLE'
  | 'REPLAY_NAME_INVALID'
  | 'REPLAY_NOTHING'
  | 'REPLAY_SPEED_INVALID'

/** Reasons not to replay; none of them goes away by trying again. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError'
  readonly retryable = false
  readonly code: ReplayErrorCode
  readonly exitCode: ExitCode

  constructor(code: ReplayErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
    // Everything else is a wrong command line.
    this.exitCode = code === 'REPLAY_CLOCK_AHEAD' ? EXIT.negative : EXIT.usage
  }
}

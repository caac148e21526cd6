export type ReplayErrorCode =
  | 'REPLAY_FILE_UNREADABLE'
  | 'REPLAY_NOTHING'
  | 'REPLAY_CLOCK_AHEAD'
  | 'REPLAY_SPEED_INVALID'
  | 'REPLAY_NAME_INVALID'

/** Reasons not to replay; none of them goes away by trying again. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError'
  readonly retryable = false
  readonly code: ReplayErrorCode

  constructor(code: ReplayErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
  }
}

export type TopicsErrorCode = 'REGISTRY_REFUSED'

/** Failures of the topics room that asking again does not cure. */
export class TopicsError extends Error {
  override readonly name = 'TopicsError'
  readonly retryable = false
  readonly code: TopicsErrorCode

  constructor(code: TopicsErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Everything that can keep the local stack from starting, or end it. The command line maps a code to its exit code. */
export type StackErrorCode =
  | 'ARTIFACTS_MISSING' // the set-up has not fetched the servers
  | 'DATA_LOCKED' // another `up` works in the folder
  | 'DATA_UNWRITABLE'
  | 'DATA_VERSION' // the folder was written by a version that this one cannot read
  | 'DISK_FULL'
  | 'PORT_INVALID'
  | 'PORT_IN_USE'
  | 'PROCESS_DIED' // a server keeps dying
  | 'START_TIMEOUT'
  | 'TOOL_MISSING' // no Java, or one too old

export class StackError extends Error {
  readonly code: StackErrorCode

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StackError'
    this.code = code
  }
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, ...), or undefined. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined

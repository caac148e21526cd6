/** What the exit codes of the command line say about errors of the local stack, which knows nothing of exit codes. */
import type { StackErrorCode } from '../../../infra/local/errors.ts'
import { StackError } from '../../../infra/local/errors.ts'
import { EXIT, type ExitCode } from '../../shared/errors.ts'
import { CliError } from '../cli-error.ts'

const exitCodes: Readonly<Record<StackErrorCode, ExitCode>> = {
  ARTIFACTS_MISSING: EXIT.usage,
  DATA_LOCKED: EXIT.usage,
  DATA_UNWRITABLE: EXIT.usage,
  DATA_VERSION: EXIT.usage,
  DISK_FULL: EXIT.usage,
  PORT_INVALID: EXIT.usage,
  PORT_IN_USE: EXIT.usage,
  TOOL_MISSING: EXIT.usage,
  PROCESS_DIED: EXIT.unreachable,
  START_TIMEOUT: EXIT.timeout,
}

/** For `catch`: gives a stack error its exit code and leaves everything else as it is. */
export const withExitCode = (error: unknown): unknown =>
  error instanceof StackError
    ? new CliError(error.message, exitCodes[error.code], { cause: error })
    : error

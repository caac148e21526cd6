/** An expected failure of a command: shown as its message, without a stack. */
import { EXIT, type ExitCode } from '../shared/errors.ts'

export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = EXIT.negative, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

/**
 * How a command tells its exit code without throwing: a negative answer (1) has been printed and is no error. Kept apart from
 * process.exitCode, which libraries set too.
 */
import { EXIT } from '../shared/errors.ts'

let current: number = EXIT.done

export const setExitCode = (code: number): void => {
  current = code
}

export const takeExitCode = (): number => current

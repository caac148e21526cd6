/** A command of ours in a process of its own, so that the supervisor, which lives as long as the stack, does not carry a Kafka client. */
import { spawn } from 'node:child_process'
import process from 'node:process'

import { childEnvironment } from '../../../infra/local/index.ts'
import { EXIT, type ExitCode } from '../../shared/errors.ts'
import { nodeFlags } from '../../shared/node-process.ts'
import { CliError } from '../cli-error.ts'
import { mainScript } from './node-services.ts'

export interface CommandRun {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Beginning of the error, before what the command itself said. */
  readonly failure: string
}

const MOST_CHARACTERS = 4_000

const exitCodeOf = (code: number | null): ExitCode =>
  Object.values(EXIT).find((known) => known === code && known !== EXIT.done) ?? EXIT.negative

/**
 * What it wrote on standard output.
 *
 * @throws CliError with what it complained of
 */
export const runCommand = async ({ args, env, signal, failure }: CommandRun): Promise<string> => {
  const child = spawn(
    process.execPath,
    [...nodeFlags({ heapMegabytes: 128 }), mainScript, ...args],
    {
      env: childEnvironment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    },
  )
  let output = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-MOST_CHARACTERS)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-MOST_CHARACTERS)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return output
  throw new CliError(`${failure}:\n${(complaints + output).trim()}`, exitCodeOf(code))
}

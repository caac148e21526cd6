/**
 * Topics and schemas, made before anything reads or writes them. In a process of its own, so that the supervisor, which lives as
 * long as the stack, does not carry a Kafka client.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { childEnvironment } from '../../../infra/local/index.ts'
import { EXIT, type ExitCode } from '../../shared/errors.ts'
import { nodeFlags } from '../../shared/node-process.ts'
import { CliError } from '../cli-error.ts'
import { mainScript } from './node-services.ts'

const command = fileURLToPath(new URL('../commands/topics.ts', import.meta.url))

const exitCodeOf = (code: number | null): ExitCode =>
  Object.values(EXIT).find((known) => known === code && known !== EXIT.done) ?? EXIT.negative

export const prepareTopics = async (
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> => {
  if (!existsSync(command)) return
  const child = spawn(process.execPath, [...nodeFlags(128), mainScript, 'topics', 'apply'], {
    env: childEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) {
    throw new CliError(`Topics and schemas could not be made:\n${output.trim()}`, exitCodeOf(code))
  }
}

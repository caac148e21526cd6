/** `millrace down`: asks the `up` of a data folder to stop, or stops what one that died has left; removes the data if asked to. */
import { existsSync } from 'node:fs'
import process from 'node:process'
import { createInterface } from 'node:readline/promises'

import {
  layoutOf,
  lockHolder,
  purgeDataFolder,
  stopLeftovers,
  stopProcess,
} from '../../../infra/local/index.ts'
import { EXIT } from '../../shared/errors.ts'
import { CliError } from '../cli-error.ts'
import type { DownOptions } from '../commands/down.ts'
import { say } from './progress.ts'
import { withExitCode } from './stack-exit.ts'

/** Longer than all deadlines of a stop in order together. */
const stopTimeoutMs = 75_000

const confirm = async (question: string): Promise<boolean> => {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}

const stopStack = async (dataDir: string): Promise<void> => {
  const layout = layoutOf(dataDir)
  const holder = lockHolder(layout.lock)
  const wasRunning = holder !== undefined
  if (wasRunning) {
    say(`Stopping the stack of ${layout.root} (pid ${String(holder.pid)}) ...`)
    if (!(await stopProcess(holder, stopTimeoutMs))) {
      throw new CliError(`The stack (pid ${String(holder.pid)}) did not stop.`, EXIT.timeout)
    }
  }
  // Whatever the supervisor could not stop, or had left when it was killed.
  const left = await stopLeftovers(layout.pids)
  if (left.length > 0) say(`Stopped what was left: ${left.join(', ')}.`)
  say(wasRunning || left.length > 0 ? 'Millrace is stopped.' : `Nothing runs in ${layout.root}.`)
}

export const runDown = async (options: DownOptions): Promise<void> => {
  try {
    await stopStack(options.data)
    if (options.purge !== true) return
    const { root } = layoutOf(options.data)
    if (!existsSync(root)) return
    if (options.yes !== true && !(await confirm(`Remove all data in ${root}?`))) {
      throw new CliError(
        `The data in ${root} is kept; \`--purge --yes\` removes it without asking.`,
      )
    }
    purgeDataFolder(options.data)
    say(`The data in ${root} is removed.`)
  } catch (error) {
    throw withExitCode(error)
  }
}

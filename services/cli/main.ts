/**
 * The `millrace` command. A command registers its name and options here and loads its work when it is called, so that
 * `--help` stays fast and a command never pays for another one's libraries.
 *
 * Exit codes: 0 done, 1 the command's own negative answer, 2 wrong usage or configuration, 3 something needed cannot be
 * reached, 4 timed out. Errors go to standard error, one line first.
 */
import { readFileSync, realpathSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { Command, CommanderError } from 'commander'

import { EXIT, exitCodeOf, messageOf } from '../shared/errors.ts'
import * as backtest from './commands/backtest.ts'
import * as bench from './commands/bench.ts'
import * as chaos from './commands/chaos.ts'
import * as deployEvent from './commands/deploy-event.ts'
import * as dlq from './commands/dlq.ts'
import * as down from './commands/down.ts'
import * as encode from './commands/encode.ts'
import * as keys from './commands/keys.ts'
import * as replay from './commands/replay.ts'
import * as service from './commands/service.ts'
import * as setup from './commands/setup.ts'
import * as sink from './commands/sink.ts'
import * as status from './commands/status.ts'
import * as tail from './commands/tail.ts'
import * as topics from './commands/topics.ts'
import * as up from './commands/up.ts'
import * as worker from './commands/worker.ts'
import { setExitCode, takeExitCode } from './exit-code.ts'

/** One line per command, in the order of `--help`. */
const commands = [
  setup,
  up,
  status,
  down,
  worker,
  service,
  topics,
  replay,
  deployEvent,
  tail,
  encode,
  keys,
  dlq,
  sink,
  backtest,
  bench,
  chaos,
]

const AFTER_HELP = `
Exit codes: 0 done, 1 a negative answer, 2 wrong usage or configuration, 3 cannot reach what it
needs, 4 timed out. Kafka, registry and ClickHouse are found by environment variables, else in the
running local stack (--data): docs/configuration.md.`

const packageVersion = (): string => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  return version
}

export const buildProgram = (): Command => {
  // Sub-commands inherit these: wrong usage is thrown, not exited on.
  const program = new Command('millrace')
    .description('AIOps and FinOps as a stream on Kafka')
    .version(packageVersion())
    // `deploy-event --version` is about another version.
    .enablePositionalOptions()
    .showHelpAfterError('(try --help)')
    .configureOutput({
      outputError: (text, write) => {
        write(text.replace(/^error: /, 'millrace: '))
      },
    })
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
  // What stands behind a command is that command's, also where it has commands of its own.
  program.enablePositionalOptions()
  for (const command of commands) command.register(program)
  return program
}

/** Runs one command line and answers its exit code; the caller exits with it. */
export const main = async (args: readonly string[]): Promise<number> => {
  setExitCode(EXIT.done)
  try {
    await buildProgram().parseAsync([...args], { from: 'user' })
    return takeExitCode()
  } catch (error) {
    // Commander has said it already; `--help` and `--version` end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    process.stderr.write(`millrace: ${messageOf(error)}\n`)
    if (isBug(error)) process.stderr.write(`${error.stack ?? ''}\n`)
    return exitCodeOf(error)
  }
}

/** What no user can cause: where it happened is all that helps. */
const isBug = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError

const isCalledDirectly = (): boolean => {
  const script = process.argv[1]
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)
}

if (isCalledDirectly()) process.exit(await main(process.argv.slice(2)))

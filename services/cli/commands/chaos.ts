import { InvalidArgumentError, type Command } from 'commander'
import { JSON_OPTION, portBase } from './option-values.ts'

const DEFAULT_MINUTES = 5

export const register = (program: Command): void => {
  program
    .command('chaos')
    .description('kill everything in turn, on a stack of its own: is each record counted once?')
    .option('--minutes <m>', 'for how long faults come, 60 at most', minutes, DEFAULT_MINUTES)
    .option(
      '--seed <n>',
      'decides which faults come when, and to whom (default: from the commit)',
      seed,
    )
    .option('--faults <list>', 'only these kinds, separated by commas (default: all)', list)
    .option('--port-base <n>', 'ports n..n+9 for its servers (default: free ones)', portBase)
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
    .action(async (options: ChaosCommandOptions) => {
      const { runChaosCommand } = await import('../chaos/run-chaos.ts')
      await runChaosCommand(options)
    })
}

const HELP = `
Exit code 0: each record had its effect once; 1: it had not. Nothing is done to a stack that runs
already. The kinds of faults: ops/chaos/README.md.`

const list = (text: string): readonly string[] => text.split(',')

export interface ChaosCommandOptions {
  readonly minutes: number
  readonly seed?: number
  readonly faults?: readonly string[]
  readonly portBase?: number
  readonly json?: boolean
}

/** Beyond an hour the comparison at the end would not fit into memory. */
const minutes = (text: string): number => {
  const value = Number(text)
  if (value > 0 && value <= 60) return value
  throw new InvalidArgumentError('Give minutes above 0, at most 60.')
}

const seed = (text: string): number => {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= 0xffffffff) return value
  throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.')
}

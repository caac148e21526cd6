import { InvalidArgumentError, type Command } from 'commander'
import { JSON_OPTION, wholeNumber } from './option-values.ts'

const DEFAULT_MINUTES = 5

export const register = (program: Command): void => {
  program
    .command('chaos')
    .description('kill everything in turn, on a stack of its own: is each record counted once?')
    .option('--minutes <m>', 'how long faults come', minutes, DEFAULT_MINUTES)
    .option('--seed <s>', 'which faults, when, to whom (default: from the commit)', seed)
    .option('--faults <list>', 'only these kinds, separated by commas', (text) => text.split(','))
    .option('--port-base <n>', 'take ten ports from here on (default: free ones)', wholeNumber)
    .option(...JSON_OPTION)
    .action(async (options: ChaosCommandOptions) => {
      const { runChaosCommand } = await import('../chaos/run-chaos.ts')
      await runChaosCommand(options)
    })
}

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
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value
  throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.')
}

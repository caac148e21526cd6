import { type Command, InvalidArgumentError } from 'commander'
import type { BenchCommandOptions } from '../bench/run-bench.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION, portBase, wholeNumber } from './option-values.ts'

const PARTS = ['throughput', 'latency', 'memory'] as const
export type BenchPart = (typeof PARTS)[number]

const isPart = (name: string): name is BenchPart => PARTS.some((part) => part === name)

const parts = (text: string): readonly BenchPart[] =>
  text.split(',').map((name) => {
    if (isPart(name)) return name
    throw new InvalidArgumentError(`Give some of ${PARTS.join(', ')}, separated by commas.`)
  })

const wholeNumbers = (text: string): readonly number[] =>
  text.split(',').map((number) => {
    const value = Number(number)
    if (Number.isSafeInteger(value) && value > 0) return value
    throw new InvalidArgumentError('Give whole numbers above 0, separated by commas.')
  })

/** Part of a file's name: known before the hour that a benchmark may take. */
const reportName = (text: string): string => {
  if (/^[\w.-]+$/.test(text)) return text
  throw new InvalidArgumentError('Give letters, digits, dots and dashes.')
}

export const register = (program: Command): void => {
  onServers(program.command('bench'))
    .description('measure the stream runtime: throughput, latency, memory, restore')
    .option('--peer', 'beside the Kafka Streams program of MILLRACE_PEER_DIR')
    .option('--records <n>', 'records of a whole run', wholeNumber, 3_000_000)
    .option('--runs <n>', 'how often each is run; medians count', wholeNumber, 3)
    .option('--only <parts>', `some of ${PARTS.join(',')} (default: all)`, parts)
    .option('--series <n>', 'series held in memory and restored', wholeNumber, 1_000_000)
    .option(
      '--workers <list>',
      'also this many worker processes that share the work, e.g. 1,2,4',
      wholeNumbers,
    )
    .option('--worker-records <n>', 'records that they share', wholeNumber, 48_000_000)
    .option('--attach', 'use the servers of --data or the environment (default: own ones)')
    .option('--port-base <n>', 'ports n..n+9 for own servers (default: free ones)', portBase)
    .option('--save <name>', 'keep the report in ops/bench/results', reportName)
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
    .action(async (options: BenchCommandOptions) => {
      const { runBenchCommand } = await import('../bench/run-bench.ts')
      await runBenchCommand(options)
    })
}

const HELP = `
Own servers are started in a temporary folder, and removed. A quick look:
--records 1000000 --runs 1 --only throughput. What is measured, and how: ops/bench/README.md.`

import { type Command, InvalidArgumentError } from 'commander'
import type { BenchCommandOptions } from '../bench/run-bench.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION, wholeNumber } from './option-values.ts'

const PARTS = ['throughput', 'latency', 'memory'] as const
export type BenchPart = (typeof PARTS)[number]

const isPart = (name: string): name is BenchPart => PARTS.some((part) => part === name)

const parts = (text: string): readonly BenchPart[] =>
  text.split(',').map((name) => {
    if (isPart(name)) return name
    throw new InvalidArgumentError(`Give some of ${PARTS.join(', ')}.`)
  })

const wholeNumbers = (text: string): readonly number[] => text.split(',').map(wholeNumber)

export const register = (program: Command): void => {
  onServers(program.command('bench'))
    .description('measure the stream runtime: throughput, latency, memory, restore')
    .option('--peer', 'beside the Kafka Streams program of MILLRACE_PEER_DIR', false)
    .option('--records <n>', 'records of a whole run', wholeNumber, 3_000_000)
    .option('--runs <n>', 'how often each is run; medians count', wholeNumber, 3)
    .option('--only <parts>', `some of ${PARTS.join(', ')}`, parts, PARTS)
    .option('--series <n>', 'series held in memory and restored', wholeNumber, 1_000_000)
    .option('--workers <list>', 'worker processes that share the work, e.g. 1,2,4', wholeNumbers)
    .option('--worker-records <n>', 'records that they share', wholeNumber, 24_000_000)
    .option('--attach', 'on the servers in use; default: own ones in a temporary folder', false)
    .option('--port-base <n>', 'ports of the own servers', wholeNumber)
    .option('--save <name>', 'keep the report in ops/bench/results')
    .option(...JSON_OPTION)
    .action(async (options: BenchCommandOptions) => {
      const { runBenchCommand } = await import('../bench/run-bench.ts')
      await runBenchCommand(options)
    })
}

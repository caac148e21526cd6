import { type Command, InvalidArgumentError } from 'commander'
import { GATEWAY_CASES } from '../../../ops/bench/gateway-case-names.ts'
import type { GatewayBenchCommandOptions } from '../bench/run-bench-gateway.ts'
import type { BenchCommandOptions } from '../bench/run-bench.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION, portBase, wholeNumber } from './option-values.ts'

const PARTS = ['throughput', 'latency', 'memory'] as const
export type BenchPart = (typeof PARTS)[number]

/** Some of the names, separated by commas. */
const someOf =
  <Name extends string>(names: readonly Name[]) =>
  (text: string): readonly Name[] =>
    text.split(',').map((given) => {
      const known = names.find((name) => name === given)
      if (known !== undefined) return known
      throw new InvalidArgumentError(`Give some of ${names.join(', ')}, separated by commas.`)
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
  const bench = program.command('bench')
  // `bench gateway --json` is its own --json.
  bench.enablePositionalOptions()
  registerGateway(bench)
  onServers(bench)
    .description('measure the stream runtime: throughput, latency, memory, restore')
    .option('--peer', 'beside the Kafka Streams program of MILLRACE_PEER_DIR')
    .option('--records <n>', 'records of a whole run', wholeNumber, 3_000_000)
    .option('--runs <n>', 'how often each is run; medians count', wholeNumber, 3)
    .option('--only <parts>', `some of ${PARTS.join(',')} (default: all)`, someOf(PARTS))
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

const registerGateway = (bench: Command): void => {
  onServers(bench.command('gateway'))
    .description('measure the gateway: points per second, latency, CPU, by protocol')
    .option('--points <n>', 'of a run of a case; of single posts a tenth', wholeNumber, 1_000_000)
    .option('--runs <n>', 'how often each is run; medians count', wholeNumber, 3)
    .option(
      '--only <cases>',
      `some of ${GATEWAY_CASES.join(',')} (default: all)`,
      someOf(GATEWAY_CASES),
    )
    .option('--attach', 'use the servers of --data or the environment (default: own ones)')
    .option('--port-base <n>', 'ports n..n+9 for own servers (default: free ones)', portBase)
    .option('--save <name>', 'keep the report in ops/bench/results', reportName)
    .option(...JSON_OPTION)
    .addHelpText('after', GATEWAY_HELP)
    .action(async (options: GatewayBenchCommandOptions) => {
      const { runGatewayBenchCommand } = await import('../bench/run-bench-gateway.ts')
      await runGatewayBenchCommand(options)
    })
}

const GATEWAY_HELP = `
The sender is a process of its own on this machine. After each run the points in the topic are
counted: they must be those that were acknowledged.`

const HELP = `
Own servers are started in a temporary folder, and removed. A quick look:
--records 1000000 --runs 1 --only throughput. What is measured, and how: ops/bench/README.md.`

/** `millrace bench gateway`: options in, a report out. The work is in ops/bench. */
import type { GatewayCaseName } from '../../../ops/bench/gateway-case-names.ts'
import { gatewayText } from '../../../ops/bench/gateway-text.ts'
import { runGatewayBench } from '../../../ops/bench/gateway.ts'
import { progressOnStandardError } from '../../../ops/bench/progress.ts'
import { saveReport } from '../../../ops/bench/results.ts'

export interface GatewayBenchCommandOptions {
  readonly points: number
  readonly runs: number
  /** All of them when absent. */
  readonly only?: readonly GatewayCaseName[]
  readonly attach?: boolean
  readonly portBase?: number
  readonly save?: string
  readonly json?: boolean
}

const PARTITIONS = 4

export const runGatewayBenchCommand = async (
  options: GatewayBenchCommandOptions,
): Promise<void> => {
  const { points, runs, only, portBase, save } = options
  const report = await runGatewayBench({
    ...{ points, runs, portBase, cases: only, partitions: PARTITIONS },
    attach: options.attach ?? false,
    progress: progressOnStandardError(),
  })
  if (save !== undefined) process.stderr.write(`saved in ${saveReport(report, save)}\n`)
  process.stdout.write(`${options.json === true ? JSON.stringify(report) : gatewayText(report)}\n`)
}

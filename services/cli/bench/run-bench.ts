/** `millrace bench`: options in, a report out. The work is in ops/bench. */
import { runBench } from '../../../ops/bench/bench.ts'
import { progressOnStandardError } from '../../../ops/bench/progress.ts'
import { reportText } from '../../../ops/bench/report-text.ts'
import { saveReport } from '../../../ops/bench/results.ts'
import { usageError } from '../../shared/errors.ts'
import type { BenchPart } from '../commands/bench.ts'

export interface BenchCommandOptions {
  readonly peer?: boolean
  readonly records: number
  readonly runs: number
  /** All of them when absent. */
  readonly only?: readonly BenchPart[]
  readonly series: number
  readonly workers?: readonly number[]
  readonly workerRecords: number
  readonly attach?: boolean
  readonly portBase?: number
  readonly save?: string
  readonly json?: boolean
}

/** As the targets are stated: what is compared, and at which rate latency counts. */
const SERIES = 2_000
const PARTITIONS = 4
const STEADY = { rate: 20_000, warmUpSeconds: 10, seconds: 30 }
const SETTLE_SECONDS = 5
const WORKERS_WARM_UP_SECONDS = 10

export const runBenchCommand = async (options: BenchCommandOptions): Promise<void> => {
  const { only, records, series, workers, workerRecords } = options
  if (options.attach === true && options.portBase !== undefined) {
    throw usageError('--port-base is for own servers, and --attach starts none; give one of them.')
  }
  const has = (part: BenchPart): boolean => only?.includes(part) ?? true
  const report = await runBench({
    attach: options.attach ?? false,
    portBase: options.portBase,
    withPeer: options.peer ?? false,
    runs: options.runs,
    series: SERIES,
    partitions: PARTITIONS,
    throughput: has('throughput') ? { records } : undefined,
    latency: has('latency') ? STEADY : undefined,
    memory: has('memory') ? { series, settleSeconds: SETTLE_SECONDS } : undefined,
    scaling: workers && {
      workers,
      records: workerRecords,
      warmUpSeconds: WORKERS_WARM_UP_SECONDS,
    },
    progress: progressOnStandardError(),
  })
  if (options.save !== undefined) {
    process.stderr.write(`saved in ${saveReport(report, options.save)}\n`)
  }
  process.stdout.write(`${options.json === true ? JSON.stringify(report) : reportText(report)}\n`)
}

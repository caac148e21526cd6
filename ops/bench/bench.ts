/** The benchmark as a whole: what `millrace bench` runs and says. */
import { openBenchStack } from './bench-stack.ts'
import { expectedOf } from './expected.ts'
import { measureLatency, type LatencyOptions, type LatencyReport } from './latency.ts'
import { currentCommit, describeMachine, type Machine } from './machine.ts'
import {
  measureMemory,
  type MemoryOptions,
  type MemoryReport,
  type RestoreReport,
} from './memory.ts'
import { buildPeer } from './peer.ts'
import type { Progress } from './progress.ts'
import { measureScaling, type ScalingFigures, type ScalingOptions } from './scaling.ts'
import { measureThroughput, type ThroughputReport } from './throughput.ts'
import { createWorkload } from './workload.ts'
import { createInput, fillInput, removeTopics } from './workload-topics.ts'

export interface BenchOptions {
  /** Servers of the environment instead of own ones. */
  readonly attach: boolean
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly portBase?: number | undefined
  /** Beside the Kafka Streams program. */
  readonly withPeer: boolean
  readonly runs: number
  readonly series: number
  readonly partitions: number
  /** Parts that are absent are not measured. */
  readonly throughput?: { readonly records: number } | undefined
  readonly latency?: Pick<LatencyOptions, 'rate' | 'warmUpSeconds' | 'seconds'> | undefined
  readonly memory?: Pick<MemoryOptions, 'series' | 'settleSeconds'> | undefined
  readonly scaling?: Pick<ScalingOptions, 'workers' | 'records' | 'warmUpSeconds'> | undefined
  readonly progress: Progress
}

/** Ours by theirs. Of memory, less is better. */
export interface Ratios {
  readonly throughput_vs_default: number
  readonly throughput_vs_tuned: number
  readonly objects_vs_default: number
  readonly cpu_vs_default: number
  readonly rss_vs_default: number
}

export interface BenchReport extends Partial<ThroughputReport> {
  readonly latency?: LatencyReport
  readonly memory?: MemoryReport
  readonly restore?: RestoreReport
  readonly scaling?: readonly ScalingFigures[]
  readonly ratios?: Ratios
  readonly runs: number
  readonly commit: string
  readonly date: string
  readonly machine: Machine
}

export const runBench = async (options: BenchOptions): Promise<BenchReport> => {
  const { runs, series, partitions, progress, throughput, latency, memory, scaling } = options
  const about = {
    runs,
    commit: currentCommit(),
    date: new Date().toISOString(),
    machine: describeMachine(),
  }
  const stack = await openBenchStack(options)
  try {
    if (options.withPeer) progress('building the Kafka Streams program')
    const peer = options.withPeer ? await buildPeer(stack) : undefined
    const common = { series, partitions, runs, peer, progress }
    const measured = {
      ...(throughput && (await throughputOf(stack, { ...common, ...throughput }))),
      ...(latency && { latency: await measureLatency(stack, { ...common, ...latency }) }),
      ...(memory && (await measureMemory(stack, { ...common, ...memory, fewSeries: series }))),
      ...(scaling && { scaling: await measureScaling(stack, { ...common, ...scaling }) }),
    }
    return { ...measured, ...ratiosOf(measured), ...about }
  } finally {
    await stack.stop()
  }
}

const throughputOf = async (
  stack: Parameters<typeof measureThroughput>[0],
  options: Omit<Parameters<typeof measureThroughput>[1], 'name' | 'expected'> & {
    readonly series: number
  },
): Promise<ThroughputReport> => {
  const { records, series, partitions, progress } = options
  const workload = createWorkload({ name: stack.prefix, decode: 'fields' })
  await createInput(stack, workload, partitions)
  progress(`writing ${records} records of ${series} series`)
  await fillInput(stack, workload, { records, series })
  const expected = expectedOf({ records, series })
  const report = await measureThroughput(stack, { ...options, name: stack.prefix, expected })
  await removeTopics(stack, workload.input.name)
  return report
}

const ratiosOf = ({
  declared,
  objects,
  peer,
}: Partial<ThroughputReport>): { readonly ratios?: Ratios } => {
  if (declared === undefined || objects === undefined || peer === undefined) return {}
  const { default: usual, tuned } = peer
  return {
    ratios: {
      throughput_vs_default: declared.records_per_second / usual.records_per_second,
      throughput_vs_tuned: declared.records_per_second / tuned.records_per_second,
      objects_vs_default: objects.records_per_second / usual.records_per_second,
      cpu_vs_default: declared.records_per_cpu_second / usual.records_per_cpu_second,
      rss_vs_default: declared.rss_bytes / usual.rss_bytes,
    },
  }
}

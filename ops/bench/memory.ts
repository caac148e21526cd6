/** Resident memory per series, and how long it takes to have the state of many back. */
import type { BenchStack } from './bench-stack.ts'
import { checkAnswer } from './check.ts'
import { runChild, script } from './child.ts'
import { expectedOf } from './expected.ts'
import { restorePeer, type Peer, type PeerRestore } from './peer.ts'
import type { Progress } from './progress.ts'
import { median } from './statistics.ts'
import type { RestoreFigures, SettledFigures } from './worker-process.ts'
import { createWorkload } from './workload.ts'
import { createApplication, createInput, fillInput, removeTopics } from './workload-topics.ts'

export interface MemoryReport {
  readonly series: number
  /** Growth of the settled resident memory from few series to all, per series. */
  readonly bytes_per_series: number
  readonly settled_rss_bytes: number
  readonly few_settled_rss_bytes: number
  readonly peak_rss_bytes: number
}

export interface RestoreReport extends RestoreFigures {
  readonly keys: number
  readonly peer?: PeerRestore
}

export interface MemoryOptions {
  readonly series: number
  readonly fewSeries: number
  /** For how long resident memory must stay the same. */
  readonly settleSeconds: number
  readonly partitions: number
  readonly runs: number
  readonly peer: Peer | undefined
  readonly progress: Progress
}

/** Half of the series have a second point: their changelog entries are written twice. */
const POINTS_PER_SERIES = 1.5

export const measureMemory = async (
  stack: BenchStack,
  options: MemoryOptions,
): Promise<{ readonly memory: MemoryReport; readonly restore: RestoreReport }> => {
  const { series, fewSeries, runs, peer, progress } = options
  const records = series * POINTS_PER_SERIES
  const few = await fill(stack, options, {
    name: `${stack.prefix}-few`,
    records,
    series: fewSeries,
  })
  await few.remove()
  const many = await fill(stack, options, { name: `${stack.prefix}-many`, records, series })
  const restores: RestoreFigures[] = []
  for (let run = 1; run <= runs; run++) {
    const figures = (await runChild(
      script('worker-process.ts', ['restore', many.name, many.id, 'fields'], stack.env),
    )) as RestoreFigures
    restores.push(figures)
    progress(`restore ${run} of ${runs}: ${series} series in ${figures.seconds.toFixed(1)} s`)
  }
  let peers: readonly PeerRestore[] = []
  if (peer !== undefined) {
    progress(`restore of Kafka Streams, in memory, ${runs} times`)
    peers = await restorePeer(stack, peer, { name: many.name, runs })
  }
  await many.remove()
  const grown = many.figures.settled_rss_bytes - few.figures.settled_rss_bytes
  return {
    memory: {
      series,
      bytes_per_series: grown / (series - fewSeries),
      settled_rss_bytes: many.figures.settled_rss_bytes,
      few_settled_rss_bytes: few.figures.settled_rss_bytes,
      peak_rss_bytes: many.figures.rss_bytes,
    },
    restore: {
      keys: series,
      ...inTheMiddle(restores),
      ...(peers.length > 0 && { peer: inTheMiddle(peers) }),
    },
  }
}

/** A whole run; its application stays until it is removed. */
const fill = async (
  stack: BenchStack,
  { partitions, settleSeconds, progress }: MemoryOptions,
  options: { readonly name: string; readonly records: number; readonly series: number },
) => {
  const { name, records, series } = options
  const id = `${name}-run`
  const workload = createWorkload({ name, decode: 'fields' })
  await createInput(stack, workload, partitions)
  await fillInput(stack, workload, options)
  const application = await createApplication(stack, workload, { id, partitions })
  progress(`memory: ${series} series`)
  const figures = (await runChild(
    script('worker-process.ts', ['settle', name, id, 'fields', records, settleSeconds], stack.env),
  )) as SettledFigures
  const { windows, deviations } = application
  const topics = { windows: windows.name, deviations: deviations.name }
  await checkAnswer(stack, topics, expectedOf(options))
  const remove = async (): Promise<void> => {
    await removeTopics(stack, id)
    await removeTopics(stack, workload.input.name)
  }
  return { name, id, figures, remove }
}

/** The run whose time is the median. */
const inTheMiddle = <Run extends { readonly seconds: number }>(runs: readonly Run[]): Run => {
  const seconds = median(runs.map((run) => run.seconds))
  const found = runs.find((run) => run.seconds === seconds)
  if (found === undefined) throw new Error('There was no run')
  return found
}

/** Several worker processes that share the partitions of one application. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchStack } from './bench-stack.ts'
import { checkAnswer } from './check.ts'
import { script, startChild } from './child.ts'
import { expectedOf } from './expected.ts'
import { brokerCpuSeconds, cpuSecondsOf } from './process-figures.ts'
import type { Progress } from './progress.ts'
import { createWorkload, type Workload } from './workload.ts'
import { createApplication, createInput, fillInput, removeTopics } from './workload-topics.ts'

export interface ScalingFigures {
  readonly workers: number
  /** Measured records: after the warm-up. */
  readonly records: number
  readonly records_per_second: number
  /** Of all workers together. */
  readonly cpu_seconds_per_million: number
  readonly broker_cpu_seconds_per_million: number
}

export interface ScalingOptions {
  readonly workers: readonly number[]
  readonly records: number
  readonly series: number
  readonly partitions: number
  readonly warmUpSeconds: number
  readonly progress: Progress
}

interface Look {
  readonly atMs: number
  readonly records: number
  readonly workerCpuSeconds: number
  readonly brokerCpuSeconds: number
}

const LOOK_EVERY_MS = 250
/** The end is left out: partitions run dry one after the other. */
const MEASURED_SHARE = 0.97

export const measureScaling = async (
  stack: BenchStack,
  options: ScalingOptions,
): Promise<readonly ScalingFigures[]> => {
  const { records, series, partitions, progress } = options
  const name = `${stack.prefix}-scaling`
  const workload = createWorkload({ name, decode: 'fields' })
  await createInput(stack, workload, partitions)
  await fillInput(stack, workload, {
    records,
    series,
    onProgress(done) {
      if (done % 2_000_000 === 0) progress(`scaling: ${done} of ${records} records written`)
    },
  })
  const found: ScalingFigures[] = []
  for (const workers of options.workers) {
    const figures = await runShared(stack, workload, { ...options, workers })
    progress(
      `${workers} workers: ${Math.round(figures.records_per_second / 1_000)} k records/s, ` +
        `${figures.cpu_seconds_per_million.toFixed(2)} CPU s per million`,
    )
    found.push(figures)
  }
  await removeTopics(stack, workload.input.name)
  return found
}

interface SharedOptions extends Omit<ScalingOptions, 'workers'> {
  readonly workers: number
}

const runShared = async (
  stack: BenchStack,
  workload: Workload,
  options: SharedOptions,
): Promise<ScalingFigures> => {
  const { workers, records, series, partitions, warmUpSeconds } = options
  const id = `${stack.prefix}-shared-${workers}`
  const application = await createApplication(stack, workload, { id, partitions })
  const children = Array.from({ length: workers }, () =>
    startChild(
      script('worker-process.ts', ['serve', workload.pipeline.name, id, 'fields'], stack.env),
    ),
  )
  try {
    const group = `${id}.${application.pipeline.name}`
    const look = async (): Promise<Look> => ({
      atMs: performance.now(),
      records: await committedRecords(stack, { group, topic: workload.input.name, partitions }),
      workerCpuSeconds: children.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0),
      brokerCpuSeconds: brokerCpuSeconds(stack),
    })
    const ended = Promise.race(children.map(({ result }) => result))
    let begin: Look | undefined
    let firstAtMs = Number.POSITIVE_INFINITY
    let end = await look()
    while (end.records < MEASURED_SHARE * records) {
      await Promise.race([sleep(LOOK_EVERY_MS), ended])
      end = await look()
      if (end.records > 0) firstAtMs = Math.min(firstAtMs, end.atMs)
      if (end.atMs - firstAtMs >= warmUpSeconds * 1_000) begin ??= end
    }
    if (begin === undefined || begin === end) {
      throw new Error(`${records} records are too few: they were processed within the warm-up`)
    }
    while ((await look()).records < records) await sleep(LOOK_EVERY_MS)
    await Promise.all(children.map((child) => child.end()))
    const { windows, deviations } = application
    const topics = { windows: windows.name, deviations: deviations.name }
    await checkAnswer(stack, topics, expectedOf({ records, series }))
    return figuresBetween(workers, begin, end)
  } finally {
    for (const child of children) child.kill()
    await removeTopics(stack, id)
  }
}

const figuresBetween = (workers: number, begin: Look, end: Look): ScalingFigures => {
  const records = end.records - begin.records
  const perMillion = (seconds: number): number => seconds / (records / 1e6)
  return {
    workers,
    records,
    records_per_second: records / ((end.atMs - begin.atMs) / 1_000),
    cpu_seconds_per_million: perMillion(end.workerCpuSeconds - begin.workerCpuSeconds),
    broker_cpu_seconds_per_million: perMillion(end.brokerCpuSeconds - begin.brokerCpuSeconds),
  }
}

const committedRecords = async (
  { cluster }: BenchStack,
  options: { readonly group: string; readonly topic: string; readonly partitions: number },
): Promise<number> => {
  const { group, topic, partitions } = options
  const inputs = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const committed = await cluster.committedOffsets(group, inputs)
  return committed.reduce((sum, { offset }) => sum + Math.max(0, offset), 0)
}

/**
 * End to end: from the producer's call to a read_committed reader that sees what came of the record.
 * Producer, worker and reader are three processes; the reader is this one.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../pipelines/runtime/avro/index.ts'
import { Fetcher, type FetchedRecords } from '../../pipelines/runtime/kafka/index.ts'
import type { Topic } from '../../schemas/topic.ts'
import type { BenchStack } from './bench-stack.ts'
import { runChild, script, startChild } from './child.ts'
import { expectedOf, type Expected } from './expected.ts'
import { brokerCpuSeconds, wallClockMs } from './process-figures.ts'
import type { Progress } from './progress.ts'
import { quantile } from './statistics.ts'
import type { ServeFigures } from './worker-process.ts'
import { createWorkload, START_MS, STEP_MS, type Workload } from './workload.ts'
import { createApplication, createInput, removeTopics } from './workload-topics.ts'

export interface LatencyReport {
  /** Records per second. */
  readonly rate: number
  /** Of so many outputs. */
  readonly outputs: number
  readonly seconds: number
  readonly p50_ms: number
  readonly p90_ms: number
  readonly p99_ms: number
  readonly max_ms: number
  readonly commit_p50_ms: number
  readonly commit_p99_ms: number
  readonly worker_cpu_seconds: number
  readonly worker_rss_bytes: number
  readonly broker_cpu_seconds: number
}

export interface LatencyOptions {
  readonly rate: number
  readonly series: number
  readonly partitions: number
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly progress: Progress
}

/** An output, by the input record that caused it, and when it was seen. */
interface Sighting {
  readonly record: number
  readonly seenAtMs: number
}

/** Until the last output has been seen: were the latest left out, the slowest would be. */
const TAIL_LIMIT_MS = 60_000
const LOOK_EVERY_MS = 50

export const measureLatency = async (
  stack: BenchStack,
  options: LatencyOptions,
): Promise<LatencyReport> => {
  const { rate, series, partitions, warmUpSeconds, seconds, progress } = options
  const name = `${stack.prefix}-latency`
  const id = `${name}-run`
  const workload = createWorkload({ name, decode: 'fields' })
  await createInput(stack, workload, partitions)
  const application = await createApplication(stack, workload, { id, partitions })
  const reader = openReader(stack, application, { series, partitions })
  const worker = startChild(script('worker-process.ts', ['serve', name, id, 'fields'], stack.env))
  try {
    const total = warmUpSeconds + seconds
    progress(`latency: ${rate} records/s for ${total} s, of which ${warmUpSeconds} s warm up`)
    await worker.ready
    const file = join(stack.folder, 'appended.f64')
    const brokerBefore = brokerCpuSeconds(stack)
    await runChild(script('latency-producer.ts', [name, rate, total, series, file], stack.env))
    await untilSeen(reader, expectedOf({ records: rate * total, series }))
    const broker = brokerCpuSeconds(stack) - brokerBefore
    const figures = (await worker.end()) as ServeFigures
    const bytes = readFileSync(file)
    const appendedAtMs = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
    const latencies = reader.sightings
      .filter(({ record }) => record >= warmUpSeconds * rate)
      .map(({ record, seenAtMs }) => seenAtMs - (appendedAtMs[record] ?? Number.NaN))
    return {
      ...{ rate, seconds, outputs: latencies.length },
      p50_ms: quantile(latencies, 0.5),
      p90_ms: quantile(latencies, 0.9),
      p99_ms: quantile(latencies, 0.99),
      max_ms: quantile(latencies, 1),
      commit_p50_ms: figures.commit_p50_ms,
      commit_p99_ms: figures.commit_p99_ms,
      worker_cpu_seconds: figures.cpu_seconds,
      worker_rss_bytes: figures.rss_bytes,
      broker_cpu_seconds: broker,
    }
  } finally {
    worker.kill()
    await reader.close()
    await removeTopics(stack, id)
    await removeTopics(stack, workload.input.name)
  }
}

const untilSeen = async (
  { sightings }: { readonly sightings: readonly Sighting[] },
  { windows, deviations }: Expected,
): Promise<void> => {
  const giveUpAtMs = performance.now() + TAIL_LIMIT_MS
  while (sightings.length !== windows + deviations) {
    if (performance.now() > giveUpAtMs) {
      throw new Error(
        `The reader saw ${sightings.length} outputs, the input implies ${windows + deviations}`,
      )
    }
    await sleep(LOOK_EVERY_MS)
  }
}

const openReader = (
  { cluster }: BenchStack,
  { windows, deviations }: Workload,
  { series, partitions }: { readonly series: number; readonly partitions: number },
) => {
  const sightings: Sighting[] = []
  const hostOf = (key: string): number => Number(/host-(\d+)/.exec(key)?.[1])
  /** The point whose time moved the series' clock to the end of the window, or stood out itself. */
  const recordAt = (key: string, timestampMs: number): number =>
    ((timestampMs - START_MS) / STEP_MS) * series + hostOf(key)
  const decoderOf = <Value extends { readonly series: string }>(
    { schema }: Topic<Value>,
    timestampOf: (value: Value) => number,
  ) => {
    const decoder = createRecordDecoder<Value>({ writerSchema: schema, readerSchema: schema })
    return ({ records }: FetchedRecords): void => {
      const seenAtMs = wallClockMs()
      while (records.next()) {
        const value = decoder.decode(
          records.buffer,
          records.valueStart + WIRE_HEADER_BYTES,
          records.valueEnd,
        )
        sightings.push({ record: recordAt(value.series, timestampOf(value)), seenAtMs })
      }
    }
  }
  const read = {
    [windows.name]: decoderOf(windows, ({ end }) => end),
    [deviations.name]: decoderOf(deviations, ({ timestamp }) => timestamp),
  }
  const fail = (what: unknown): void => {
    throw new Error(`The reader of the latency benchmark failed: ${JSON.stringify(what)}`)
  }
  const fetcher = new Fetcher({
    cluster,
    name: 'latency-reader',
    onRecords(fetched) {
      read[fetched.topic]?.(fetched)
      fetched.release()
    },
    onOffsetOutOfRange: fail,
    onError: fail,
  })
  fetcher.assign(
    Object.keys(read).flatMap((topic) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })),
    ),
  )
  return { sightings, close: () => fetcher.close() }
}

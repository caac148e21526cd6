/**
 * A worker under measurement, as a process of its own. It says what it measured in one line of JSON.
 *
 *   node worker-process.ts run|settle|restore|serve WORKLOAD APPLICATION fields|objects \
 *     [RECORDS [SETTLE_SECONDS]]
 *
 * - run: the input (RECORDS) to its end, until everything is committed. Rates count from the first
 *   record processed to the last, CPU from the start of the process, as the Kafka Streams program
 *   does it.
 * - settle: the same, and then resident memory once it no longer changes.
 * - restore: until all tasks have their state back.
 * - serve: until SIGTERM. Says when its tasks run.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from './process-figures.ts'
import { processFigures, WorkloadWorker, type CommitFigures } from './workload-worker.ts'

export interface ServeFigures extends CommitFigures {
  readonly cpu_seconds: number
  /** The highest. */
  readonly rss_bytes: number
}

export interface RunFigures extends ServeFigures {
  /** Processed when everything was committed: RECORDS, unless one was taken twice. */
  readonly records: number
  readonly seconds: number
  readonly records_per_second: number
  readonly records_per_cpu_second: number
  /** From the last record processed to everything committed. */
  readonly last_commit_ms: number
  /** From the start of the process to the first record. */
  readonly start_ms: number
}

export interface SettledFigures extends RunFigures {
  readonly settled_rss_bytes: number
}

export interface RestoreFigures {
  readonly restored_records: number
  /** From the assignment of the tasks until they run. */
  readonly seconds: number
  readonly start_to_running_seconds: number
  /** From the start of the process. */
  readonly cpu_seconds: number
  readonly rss_bytes: number
}

const SETTLE_LOOK_MS = 1_000
const MOST_SETTLE_LOOKS = 40
const SETTLED_SHARE = 0.01

const run = async (worker: WorkloadWorker, records: number): Promise<RunFigures> => {
  let firstAtMs = 0
  await worker.until(() => {
    const { processed } = worker
    if (processed === 0) firstAtMs = performance.now()
    return processed >= records
  })
  const lastAtMs = performance.now()
  await worker.untilCommitted(records)
  const lastCommitMs = performance.now() - lastAtMs
  const figures = processFigures()
  const seconds = (lastAtMs - firstAtMs) / 1_000
  return {
    records: worker.processed,
    seconds,
    records_per_second: records / seconds,
    ...figures,
    records_per_cpu_second: records / figures.cpu_seconds,
    ...worker.commitFigures,
    last_commit_ms: lastCommitMs,
    start_ms: firstAtMs,
  }
}

/** Once it has changed by less than a hundredth for so long. */
const settledBytes = async (seconds: number): Promise<number> => {
  const looks: number[] = []
  for (;;) {
    looks.push(residentBytes().nowBytes)
    const latest = looks.slice(-seconds - 1)
    const change = Math.max(...latest) - Math.min(...latest)
    const isSettled = latest.length > seconds && change < SETTLED_SHARE * Math.max(...latest)
    if (isSettled || looks.length === MOST_SETTLE_LOOKS) return looks.at(-1) ?? Number.NaN
    await sleep(SETTLE_LOOK_MS)
  }
}

const restore = async (worker: WorkloadWorker): Promise<RestoreFigures> => {
  let beganAtMs = performance.now()
  await worker.until(() => {
    if (!worker.hasTasks) beganAtMs = performance.now()
    return worker.restore.isDone
  })
  const nowMs = performance.now()
  return {
    restored_records: worker.restore.records,
    seconds: (nowMs - beganAtMs) / 1_000,
    start_to_running_seconds: nowMs / 1_000,
    ...processFigures(),
  }
}

const measure = async (
  worker: WorkloadWorker,
  mode: string,
  [records = 0, settleSeconds = 0]: readonly number[],
): Promise<object> => {
  switch (mode) {
    case 'run':
      return run(worker, records)
    case 'settle': {
      const figures = await run(worker, records)
      return {
        ...figures,
        settled_rss_bytes: await settledBytes(settleSeconds),
      } satisfies SettledFigures
    }
    case 'restore':
      return restore(worker)
    default:
      await worker.until(() => worker.restore.isDone)
      process.stdout.write('{"ready":true}\n')
      await once(process, 'SIGTERM')
      return { ...processFigures(), ...worker.commitFigures } satisfies ServeFigures
  }
}

const [mode, name, applicationId, decode, ...numbers] = process.argv.slice(2)
if (mode !== undefined && name !== undefined && applicationId !== undefined) {
  const worker = await WorkloadWorker.start({
    name,
    applicationId,
    decode: decode === 'objects' ? 'objects' : 'fields',
  })
  const figures = await measure(worker, mode, numbers.map(Number))
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  await worker.stop()
}

/**
 * Files -> a topic, merged by event time, with the tenant's ticks behind them.
 *
 * M1: a tick is published only after every row before it was acknowledged (R1 of tick-clock.ts).
 *     Rows and ticks therefore go in turns: a slice of rows, then all ticks it has crossed.
 * M2: bounded memory: one slice in flight, one batch per open file.
 * M3: every row of every file is counted: published or skipped with a reason.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_RECORD_BYTES } from '../../pipelines/runtime/kafka/index.ts'
import { batchSizeBound } from '../../pipelines/runtime/record/index.ts'
import { SchemaError } from '../../schemas/errors.ts'
import type { OutgoingRecord, RecordPublisher } from '../shared/publisher.ts'
import type { TickRecords } from '../telemetry/telemetry-output.ts'
import type { InputFile } from './input-files.ts'
import { mergeByTime, type TimedSource } from './merge.ts'
import { ReplayError } from './replay-error.ts'
import type { FileReader, GoodRow } from './rows.ts'
import { sourceOf, surveyFile, type FileSurvey } from './source-file.ts'
import { Pace, type Speed } from './speed.ts'
import { TICK_MS, TickClock, tickIntervalMs } from './tick-clock.ts'

export interface ReplayServers<Value> {
  readonly publisher: RecordPublisher
  /** Throws SchemaError for a value that cannot have a key. */
  readonly recordOf: (value: Value) => OutgoingRecord
  readonly ticks: TickRecords
  /** The event time a tenant has reached; undefined for a tenant that has no clock yet. */
  readonly clockOf: (tenant: string) => Promise<number | undefined>
}

export interface ReplayOptions<Value> {
  readonly files: readonly InputFile[]
  readonly read: FileReader<Value>
  readonly tenant: string
  readonly origin: string
  readonly speed: Speed
  readonly now: () => number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReplayProgress) => void
}

export type ReplayProgress =
  | {
      readonly phase: 'survey'
      readonly file: string
      /** Of this file, so far. */
      readonly rows: number
      readonly done: number
      readonly of: number
    }
  | {
      readonly phase: 'publish'
      readonly rows: number
      readonly of: number
      readonly atMs: number
    }

export interface SkippedRow {
  readonly file: string
  readonly line: number
  readonly reason: string
}

export interface ReplayResult {
  readonly read: number
  readonly published: number
  readonly skipped: readonly SkippedRow[]
  readonly skippedCount: number
  readonly tenant: string
  readonly origin: string
  readonly ticks: number
  readonly firstTimestamp: string | null
  readonly lastTimestamp: string | null
  /** False when a signal ended the replay early. */
  readonly complete: boolean
}

const SLICE = { records: 2_000, bytes: 4 * 1024 * 1024 }
const SHOWN_REASONS = 100
/** While a paced replay waits, how often ticks may go out. */
const WAIT_STEP_MS = 1_000

interface Located<Value> extends GoodRow<Value> {
  readonly file: InputFile
}

export const replayFiles = async <Value>(
  options: ReplayOptions<Value>,
  servers: ReplayServers<Value>,
): Promise<ReplayResult> => {
  const replay = new FileReplay(options, servers)
  return replay.run()
}

class FileReplay<Value> {
  readonly #options: ReplayOptions<Value>
  readonly #servers: ReplayServers<Value>
  readonly #skipped: SkippedRow[] = []
  #skippedCount = 0
  #read = 0
  #published = 0
  #ticks = 0
  #slice: OutgoingRecord[] = []
  #sliceBytes = 0
  #dueTicks: number[] = []
  /** As dense as live input: every tick counts. */
  #dense = true

  constructor(options: ReplayOptions<Value>, servers: ReplayServers<Value>) {
    this.#options = options
    this.#servers = servers
  }

  async run(): Promise<ReplayResult> {
    const surveys = await this.#survey()
    const used = surveys.filter(({ good }) => good > 0)
    if (used.length === 0) return this.#result(undefined, undefined, true)
    const firstMs = Math.min(...used.map((survey) => survey.firstMs))
    await this.#refuseClockAhead(firstMs)
    const lastMs = await this.#publishAll(used, firstMs)
    return this.#result(firstMs, lastMs, !this.#stopped())
  }

  async #survey(): Promise<FileSurvey[]> {
    const { files, read, onProgress, signal } = this.#options
    const surveys: FileSurvey[] = []
    for (const [done, file] of files.entries()) {
      const onRows = (rows: number): void => {
        signal?.throwIfAborted()
        onProgress?.({ phase: 'survey', file: file.label, rows, done, of: files.length })
      }
      onRows(0)
      const onBad = ({ line, reason }: { line: number; reason: string }): void => {
        this.#skip(file, line, reason)
      }
      const survey = await surveyFile(file, read, { onBad, onRows })
      this.#read += survey.rows
      surveys.push(survey)
    }
    return surveys
  }

  async #refuseClockAhead(firstMs: number): Promise<void> {
    const { tenant } = this.#options
    const clockMs = await this.#servers.clockOf(tenant)
    if (clockMs === undefined || clockMs <= firstMs) return
    throw new ReplayError(
      'REPLAY_CLOCK_AHEAD',
      `Tenant '${tenant}' has already reached ${iso(clockMs)}, and the files begin at ` +
        `${iso(firstMs)}: they would all be late. Use another --name or --tenant.`,
    )
  }

  /** Returns the event time of the last row published. */
  async #publishAll(used: readonly FileSurvey[], firstMs: number): Promise<number> {
    const { read, speed, now, onProgress } = this.#options
    const intervalMs = tickIntervalMs(used)
    this.#dense = intervalMs === TICK_MS
    const clock = new TickClock(intervalMs)
    const of = used.reduce((sum, { good }) => sum + good, 0)
    const pace =
      speed.kind === 'max'
        ? undefined
        : new Pace({ factor: speed.factor, startedMs: now(), firstEventMs: firstMs })
    let lastMs = firstMs
    for await (const batch of mergeByTime(used.map((survey) => locatedSource(survey, read)))) {
      for (const row of batch) {
        if (pace !== undefined) await this.#waitUntilDue(pace, row.timestampMs, clock)
        if (this.#stopped()) {
          await this.#flush()
          return lastMs
        }
        this.#add(row, clock)
        lastMs = row.timestampMs
        const isFull = this.#slice.length >= SLICE.records || this.#sliceBytes >= SLICE.bytes
        if (isFull) await this.#flush()
      }
      onProgress?.({ phase: 'publish', rows: this.#published, of, atMs: lastMs })
    }
    this.#dueTicks.push(...clock.close(lastMs, now()))
    await this.#flush()
    onProgress?.({ phase: 'publish', rows: this.#published, of, atMs: lastMs })
    return lastMs
  }

  #stopped(): boolean {
    return this.#options.signal?.aborted === true
  }

  #add({ file, line, timestampMs, value }: Located<Value>, clock: TickClock): void {
    try {
      const record = this.#servers.recordOf(value)
      const sizeBytes = batchSizeBound(record.key.length, record.value.length)
      if (sizeBytes > MAX_RECORD_BYTES) {
        const limit = String(MAX_RECORD_BYTES)
        this.#skip(
          file,
          line,
          `takes ${String(sizeBytes)} bytes as a record, the limit is ${limit}`,
        )
      } else {
        this.#slice.push(record)
        this.#sliceBytes += sizeBytes
      }
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      this.#skip(file, line, error.message)
    }
    const tick = clock.reach(timestampMs)
    if (tick !== undefined) this.#dueTicks.push(tick)
  }

  /** A paced replay lets time pass between points as it would live. */
  async #waitUntilDue(pace: Pace, eventMs: number, clock: TickClock): Promise<void> {
    const { now, signal } = this.#options
    for (;;) {
      const waitMs = pace.waitMs(eventMs, now())
      if (waitMs <= 0 || this.#stopped()) return
      const tick = clock.reach(Math.min(pace.eventTimeAt(now()), eventMs))
      if (tick !== undefined) this.#dueTicks.push(tick)
      await this.#flush()
      await pause(Math.min(waitMs, WAIT_STEP_MS), signal)
    }
  }

  /** M1: rows first, and only when they are acknowledged the ticks they have crossed. */
  async #flush(): Promise<void> {
    const { publisher, ticks: tickRecords } = this.#servers
    const records = this.#slice
    // Of sparse history the last one says it all; ticks would outnumber the rows (R2).
    const ticks = this.#dense ? this.#dueTicks : this.#dueTicks.slice(-1)
    this.#slice = []
    this.#sliceBytes = 0
    this.#dueTicks = []
    if (records.length > 0) await publisher.publish(records)
    this.#published += records.length
    const { tenant, origin } = this.#options
    if (ticks.length > 0) {
      await publisher.publish(
        ticks.flatMap((timestamp) => tickRecords.of({ timestamp, tenant, origin })),
      )
    }
    this.#ticks += ticks.length
  }

  #skip(file: InputFile, line: number, reason: string): void {
    this.#skippedCount++
    if (this.#skipped.length < SHOWN_REASONS) {
      this.#skipped.push({ file: file.label, line, reason })
    }
  }

  #result(
    firstMs: number | undefined,
    lastMs: number | undefined,
    complete: boolean,
  ): ReplayResult {
    const { tenant, origin } = this.#options
    return {
      read: this.#read,
      published: this.#published,
      skipped: this.#skipped,
      skippedCount: this.#skippedCount,
      tenant,
      origin,
      ticks: this.#ticks,
      firstTimestamp: firstMs === undefined ? null : iso(firstMs),
      lastTimestamp: lastMs === undefined ? null : iso(lastMs),
      complete,
    }
  }
}

const locatedSource = <Value>(
  survey: FileSurvey,
  read: FileReader<Value>,
): TimedSource<Located<Value>> => {
  const { file } = survey
  const { firstMs, open } = sourceOf(survey, read)
  return {
    firstMs,
    open: async function* () {
      for await (const batch of open()) yield batch.map((row) => ({ ...row, file }))
    },
  }
}

const pause = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    if (signal?.aborted !== true) throw error
  }
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString()

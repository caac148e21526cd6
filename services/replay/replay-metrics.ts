/**
 * CSV files -> telemetry.metrics, merged by event time, with the tenant's ticks behind them.
 *
 * M1: a tick is published only after every point before it was acknowledged (R1 of tick-clock.ts).
 *     Points and ticks therefore go in turns: a slice of points, then all ticks it has crossed.
 * M2: bounded memory: one slice in flight, one batch per open file.
 * M3: every row of every file is counted: published or skipped with a reason.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SchemaError } from '../../schemas/errors.ts'
import type { OutgoingRecord, RecordPublisher } from '../shared/publisher.ts'
import type { TelemetryRecords } from '../telemetry/telemetry-output.ts'
import type { CsvOptions, CsvPoint } from './csv-rows.ts'
import type { InputFile } from './input-files.ts'
import { mergeByTime, type TimedSource } from './merge.ts'
import { ReplayError } from './replay-error.ts'
import { sourceOf, surveyFile, type FileSurvey } from './source-file.ts'
import { Pace, type Speed } from './speed.ts'
import { TICK_MS, TickClock, tickIntervalMs } from './tick-clock.ts'

export interface ReplayServers {
  readonly publisher: RecordPublisher
  readonly records: TelemetryRecords
  /** The event time a tenant has reached; undefined for a tenant that has no clock yet. */
  readonly clockOf: (tenant: string) => Promise<number | undefined>
}

export interface ReplayOptions {
  readonly files: readonly InputFile[]
  readonly tenant: string
  readonly origin: string
  readonly speed: Speed
  readonly now: () => number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReplayProgress) => void
}

export type ReplayProgress =
  | { readonly phase: 'survey'; readonly file: string; readonly done: number; readonly of: number }
  | {
      readonly phase: 'publish'
      readonly points: number
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

const SLICE_POINTS = 2_000
const SHOWN_REASONS = 100
/** While a paced replay waits, how often ticks may go out. */
const WAIT_STEP_MS = 1_000

interface Located extends CsvPoint {
  readonly file: InputFile
}

export const replayMetrics = async (
  options: ReplayOptions,
  servers: ReplayServers,
): Promise<ReplayResult> => {
  const replay = new MetricsReplay(options, servers)
  return replay.run()
}

class MetricsReplay {
  readonly #options: ReplayOptions
  readonly #servers: ReplayServers
  readonly #skipped: SkippedRow[] = []
  #skippedCount = 0
  #read = 0
  #published = 0
  #ticks = 0
  #slice: OutgoingRecord[] = []
  #dueTicks: number[] = []
  /** As dense as live input: every tick counts. */
  #dense = true

  constructor(options: ReplayOptions, servers: ReplayServers) {
    this.#options = options
    this.#servers = servers
  }

  async run(): Promise<ReplayResult> {
    const csv: CsvOptions = { latestMs: this.#options.now() }
    const surveys = await this.#survey(csv)
    const used = surveys.filter(({ survey }) => survey.points > 0)
    if (used.length === 0) return this.#result(undefined, undefined, true)
    const firstMs = Math.min(...used.map(({ survey }) => survey.firstMs))
    await this.#refuseClockAhead(firstMs)
    const lastMs = await this.#publishAll(used, csv, firstMs)
    return this.#result(firstMs, lastMs, !this.#stopped())
  }

  async #survey(csv: CsvOptions): Promise<Surveyed[]> {
    const { files, onProgress, signal } = this.#options
    const surveys: Surveyed[] = []
    for (const [index, file] of files.entries()) {
      signal?.throwIfAborted()
      onProgress?.({ phase: 'survey', file: file.label, done: index, of: files.length })
      const survey = await surveyFile(file.path, csv, ({ line, reason }) => {
        this.#skip(file, line, reason)
      })
      this.#read += survey.rows
      surveys.push({ file, survey })
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

  /** Returns the event time of the last point published. */
  async #publishAll(used: readonly Surveyed[], csv: CsvOptions, firstMs: number): Promise<number> {
    const { speed, now, onProgress } = this.#options
    const intervalMs = tickIntervalMs(used.map(({ survey }) => survey))
    this.#dense = intervalMs === TICK_MS
    const clock = new TickClock(intervalMs)
    const of = used.reduce((sum, { survey }) => sum + survey.points, 0)
    const pace =
      speed.kind === 'max'
        ? undefined
        : new Pace({ factor: speed.factor, startedMs: now(), firstEventMs: firstMs })
    let lastMs = firstMs
    for await (const batch of mergeByTime(used.map((each) => locatedSource(each, csv)))) {
      for (const point of batch) {
        if (pace !== undefined) await this.#waitUntilDue(pace, point.timestampMs, clock)
        if (this.#stopped()) {
          await this.#flush()
          return lastMs
        }
        this.#add(point, clock)
        lastMs = point.timestampMs
        if (this.#slice.length >= SLICE_POINTS) await this.#flush()
      }
      onProgress?.({ phase: 'publish', points: this.#published, of, atMs: lastMs })
    }
    this.#dueTicks.push(...clock.close(lastMs, now()))
    await this.#flush()
    onProgress?.({ phase: 'publish', points: this.#published, of, atMs: lastMs })
    return lastMs
  }

  #stopped(): boolean {
    return this.#options.signal?.aborted === true
  }

  #add(point: Located, clock: TickClock): void {
    const { tenant } = this.#options
    const { timestampMs: timestamp, value, file } = point
    const labels = { ...point.labels, file: file.label }
    const published = {
      timestamp,
      value,
      tenant,
      name: file.metric,
      labels,
      unit: null,
      kind: 'unspecified' as const,
    }
    try {
      this.#slice.push(this.#servers.records.ofPoint(published))
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      this.#skip(file, point.line, error.message)
    }
    const tick = clock.reach(timestamp)
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

  /** M1: points first, and only when they are acknowledged the ticks they have crossed. */
  async #flush(): Promise<void> {
    const { publisher, records } = this.#servers
    const points = this.#slice
    // Of sparse history the last one says it all; ticks would outnumber the points (R2).
    const ticks = this.#dense ? this.#dueTicks : this.#dueTicks.slice(-1)
    this.#slice = []
    this.#dueTicks = []
    if (points.length > 0) await publisher.publish(points)
    this.#published += points.length
    const { tenant, origin } = this.#options
    if (ticks.length > 0) {
      await publisher.publish(
        ticks.flatMap((timestamp) => records.ofTick({ timestamp, tenant, origin })),
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

interface Surveyed {
  readonly file: InputFile
  readonly survey: FileSurvey
}

const locatedSource = ({ file, survey }: Surveyed, csv: CsvOptions): TimedSource<Located> => {
  const { firstMs, open } = sourceOf(survey, csv)
  return {
    firstMs,
    open: async function* () {
      for await (const batch of open()) yield batch.map((point) => ({ ...point, file }))
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

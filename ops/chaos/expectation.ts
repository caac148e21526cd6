/**
 * What must come of the input: computed from what was sent, never from what came out, and by other
 * means than the runtime's.
 */
import { GRACE_MS, RING_SAMPLES, SESSIONS, WINDOWS } from './pipeline.ts'

type Aligned = keyof typeof WINDOWS
const ALIGNED = ['tumbling', 'hopping'] as const satisfies Aligned[]

interface Session {
  firstMs: number
  lastMs: number
  count: number
  sum: number
}

interface Series {
  readonly values: number[]
  sum: number
  clockMs: number
  /** Open ones, in order. */
  sessions: Session[]
}

export class Expectation {
  /** `record host n`, `tumbling host start`, `session host start` -> what the output must say. */
  readonly outputs = new Map<string, string>()
  /** `host timestamp value`. */
  readonly late: string[] = []
  /** Ids of poison records -> reason. */
  readonly letters = new Map<string, string>()
  /** Rows in the table of points: how many, and the sum of their values, by host. */
  readonly points = new Map<string, { count: number; sum: number }>()
  readonly #series = new Map<string, Series>()
  readonly #windows = new Map<string, { count: number; sum: number }>()

  point(host: string, timestamp: number, value: number): void {
    const series = this.#series.get(host) ?? { values: [], sum: 0, clockMs: 0, sessions: [] }
    this.#series.set(host, series)
    series.values.push(value)
    series.sum += value
    series.clockMs = Math.max(series.clockMs, timestamp)
    this.points.set(host, { count: series.values.length, sum: series.sum })
    this.outputs.set(
      `record ${host} ${series.values.length}`,
      textOfRecord(series, timestamp, value),
    )
    const taken = ALIGNED.map((kind) => this.#addToWindows(kind, host, timestamp, value))
    taken.push(this.#addToSessions(host, timestamp, value))
    if (!taken.includes(true)) this.late.push(`${host} ${timestamp} ${value}`)
  }

  /** Time passes every window; no point may follow. */
  finish(): void {
    for (const host of this.#series.keys()) this.#closeSessions(host, Number.POSITIVE_INFINITY)
  }

  #addToSessions(host: string, timestamp: number, value: number): boolean {
    const series = this.#series.get(host)
    if (series === undefined) return false
    this.#closeSessions(host, series.clockMs)
    const { sessions, clockMs } = series
    const endMs = sessionEnd(timestamp)
    const own = { firstMs: timestamp, lastMs: timestamp, count: 1, sum: value }
    const met = sessions.filter(
      ({ firstMs, lastMs }) => timestamp < sessionEnd(lastMs) && firstMs < endMs,
    )
    if (met.length === 0 && endMs + GRACE_MS <= clockMs) return false
    const joined = met.reduce(
      (all, each) => ({
        firstMs: Math.min(all.firstMs, each.firstMs),
        lastMs: Math.max(all.lastMs, each.lastMs),
        count: all.count + each.count,
        sum: all.sum + each.sum,
      }),
      own,
    )
    series.sessions = [...sessions.filter((each) => !met.includes(each)), joined]
    return true
  }

  #closeSessions(host: string, clockMs: number): void {
    const series = this.#series.get(host)
    const isDue = ({ lastMs }: Session): boolean => sessionEnd(lastMs) + GRACE_MS <= clockMs
    for (const { firstMs, lastMs, count, sum } of series?.sessions.filter(isDue) ?? []) {
      this.outputs.set(`session ${host} ${firstMs}`, `${sessionEnd(lastMs)} ${count} ${sum}`)
    }
    if (series !== undefined) series.sessions = series.sessions.filter((each) => !isDue(each))
  }

  #addToWindows(kind: Aligned, host: string, timestamp: number, value: number): boolean {
    const { sizeMs, advanceMs } = WINDOWS[kind]
    const clockMs = this.#series.get(host)?.clockMs ?? 0
    let taken = false
    const latest = timestamp - (timestamp % advanceMs)
    for (let startMs = latest; startMs + sizeMs > timestamp; startMs -= advanceMs) {
      if (startMs + sizeMs + GRACE_MS <= clockMs) continue
      taken = true
      const id = `${kind} ${host} ${startMs}`
      const window = this.#windows.get(id) ?? { count: 0, sum: 0 }
      this.#windows.set(id, window)
      window.count += 1
      window.sum += value
      this.outputs.set(id, `${startMs + sizeMs} ${window.count} ${window.sum}`)
    }
    return taken
  }
}

/** A gap behind the last record, or where sessions are cut. */
const sessionEnd = (lastMs: number): number => {
  const cutMs = lastMs - (lastMs % SESSIONS.maxLengthMs) + SESSIONS.maxLengthMs
  return Math.min(lastMs + SESSIONS.gapMs, cutMs)
}

const textOfRecord = ({ values, sum }: Series, timestamp: number, value: number): string => {
  const held = values.slice(-RING_SAMPLES)
  const fingerprint = held.reduce((total, sample, index) => total + (index + 1) * sample, 0)
  return `${timestamp} ${sum} ${held[0] ?? ''} ${value} ${fingerprint}`
}

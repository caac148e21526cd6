/** Log files of any kind known here: plain text, lines of JSON, tables. */
import { logEntry } from '../../../pipelines/intake/plain/log-entry.ts'
import { parseTimestamp } from '../../../pipelines/intake/timestamp.ts'
import type { LogEntry } from '../../../schemas/generated/telemetry-logs.ts'
import type { EpochMs } from '../../../schemas/topic.ts'
import { telemetryLogs } from '../../../schemas/topics.ts'
import { writtenMs } from '../file-bytes.ts'
import type { InputFile } from '../input-files.ts'
import { kindOf, membersOf, namedValues, rowOf, serviceOfPod, Taker } from '../named-values.ts'
import { badRow, shortened, type FileReader, type Row } from '../rows.ts'
import type { ReadContext, ReplaySignal } from '../signal.ts'
import { findTime, TIME_FORMATS, Years, type TimeFormat } from './log-times.ts'
import { textEntries } from './text-log.ts'

export interface LogOptions {
  /** Who logged what says no service; the name of the file unless given. */
  readonly service?: string | undefined
  /** Of the first entry of a file whose times have none. */
  readonly year?: number | undefined
}

export const logsSignal = (options: LogOptions = {}): ReplaySignal<LogEntry> => ({
  topic: telemetryLogs,
  endings: ['.log', '.txt', '.csv', '.jsonl', '.ndjson', '.json'],
  reader: (context) => logRows(context, options),
  valueOf: (entry) => entry,
})

interface Surroundings {
  readonly context: ReadContext
  readonly service: string
  readonly years: () => Years
}

const logRows = (context: ReadContext, { service, year }: LogOptions): FileReader<LogEntry> =>
  async function* (file) {
    const written = writtenMs(file.path)
    const around: Surroundings = {
      context,
      service: service ?? serviceOf(file),
      years: () => new Years({ firstYear: year, writtenMs: written }),
    }
    yield* (await kindOf(file)) === 'text' ? textRows(file, around) : namedRows(file, around)
  }

async function* textRows(file: InputFile, around: Surroundings): AsyncGenerator<Row<LogEntry>> {
  for await (const found of textEntries(file, around.years)) {
    if (found.kind === 'bad') {
      yield found
      continue
    }
    const { timestampMs, message, level, cut } = found
    const labels = cut === 0 ? {} : { 'log.cut_characters': String(cut) }
    yield rowOf(found, () =>
      entryRow(
        { timestamp: iso(timestampMs), message, level, labels, service: around.service },
        around,
      ),
    )
  }
}

async function* namedRows(file: InputFile, around: Surroundings): AsyncGenerator<Row<LogEntry>> {
  const times = new NamedTimes(around.years())
  for await (const found of namedValues(file)) {
    if (found.kind === 'bad') {
      yield found
      continue
    }
    const taker = new Taker(found.values)
    const time = times.take(taker)
    if (typeof time !== 'number') yield badRow(found.line, time)
    else yield rowOf(found, () => entryRow(itemOf(taker, time, around.service), around))
  }
}

const entryRow = (item: unknown, { context: { tenant, latestMs } }: Surroundings) => {
  const value = logEntry(item, { tenant, receivedAtMs: latestMs })
  return { timestampMs: value.timestamp, value }
}

/** In the names of `/ingest/logs`; what has no name there is a label. */
const itemOf = (taker: Taker, timestampMs: EpochMs, service: string): Record<string, unknown> => {
  const labels = {
    ...membersOf(taker.take('resource')),
    ...membersOf(taker.take('attributes')),
    ...membersOf(taker.take('labels')),
  }
  const level = taker.take('level', 'severity', 'severitytext', 'loglevel', 'lvl')
  const message = textOf(taker.take('message', 'msg', 'content', 'log', 'body', 'text', 'event'))
  const pod = taker.take('podname')
  const named = taker.take('service', 'servicename', 'app', 'application')
  // Numbers of rows, and answers that a set for research gives with its questions.
  taker.drop('lineid', 'eventid', 'eventtemplate')
  return {
    timestamp: iso(timestampMs),
    level: typeof level === 'number' ? (LEVELS[level] ?? String(level)) : level,
    message: message ?? '',
    service: named ?? (typeof pod === 'string' ? serviceOfPod(pod) : service),
    environment: taker.take('environment', 'env'),
    trace_id: taker.take('traceid', 'trace'),
    span_id: taker.take('spanid', 'span'),
    labels: { ...labels, ...taker.rest(), ...(pod === undefined ? {} : { 'k8s.pod.name': pod }) },
  }
}

/** As Pino and Bunyan number them. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** `{"log": "...\n", "stream": "stdout"}` is how Docker wraps a line. */
const textOf = (message: unknown): string | undefined => {
  if (message === undefined) return undefined
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  return (text.startsWith('{"log":') ? wrapped(text) : text).trimEnd()
}

const wrapped = (text: string): string => {
  try {
    const { log } = JSON.parse(text) as { readonly log?: unknown }
    return typeof log === 'string' ? log : text
  } catch {
    return text
  }
}

/** `checkout` for checkout.log and checkout.log.1, `Linux_2k` for Linux_2k.log_structured.csv. */
const serviceOf = ({ name }: InputFile): string =>
  name.replace(/\.log(?:_structured)?(?:\.\d+)?$/, '')

const iso = (ms: EpochMs): string => new Date(ms).toISOString()

/** Names of the columns, in turn, whose texts together make a time. */
const TIMES: readonly (readonly string[])[] = [
  ['timeunixnano'],
  ['@timestamp'],
  ['timestamp'],
  ['datetime'],
  ['ts'],
  ['month', 'date', 'time'],
  ['month', 'day', 'time'],
  ['date', 'day', 'time'],
  ['date', 'time'],
  ['time'],
  ['date'],
]

/** Where a file has its times is told from its first row, and holds for all others. */
class NamedTimes {
  readonly #years: Years
  #names: readonly string[] | undefined
  #format: TimeFormat | undefined

  constructor(years: Years) {
    this.#years = years
  }

  /** The time, or why there is none. */
  take(taker: Taker): EpochMs | string {
    const found = this.#names === undefined ? this.#settle(taker) : this.#read(taker, this.#names)
    return found ?? 'has no time that is known here'
  }

  #settle(taker: Taker): EpochMs | undefined {
    for (const names of TIMES) {
      const text = partsOf(taker, names)
      if (text === undefined) continue
      const time = this.#timeOf(text)
      if (time === undefined) continue
      this.#names = names
      taker.drop(...names)
      return time
    }
    return undefined
  }

  #read(taker: Taker, names: readonly string[]): EpochMs | string {
    const text = partsOf(taker, names)
    if (text === undefined) return `has no ${names.join(', ')}`
    taker.drop(...names)
    return this.#timeOf(text) ?? `'${shortened(text)}' is not a time since 1970`
  }

  #timeOf(text: string): EpochMs | undefined {
    const plain = parseTimestamp(text)
    if (plain !== undefined) return plain
    this.#format ??= TIME_FORMATS.find((format) => format.pattern.test(text))
    return this.#format && findTime(text, this.#format, this.#years)?.timestampMs
  }
}

const partsOf = (taker: Taker, names: readonly string[]): string | undefined => {
  const parts = names.map((name) => taker.get(name))
  return parts.some((part) => part === undefined) ? undefined : parts.map(String).join(' ')
}

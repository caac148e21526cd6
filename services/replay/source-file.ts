/**
 * One input file: looked over once before anything is published (how many points, from when to
 * when, in order or not, which rows are bad), then read again as a source of the merge. A file that
 * is not in event time is sorted through temporary files, so memory stays bounded either way.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readCsv, type BadRow, type CsvOptions, type CsvPoint } from './csv-rows.ts'
import { mergeByTime, type TimedSource } from './merge.ts'

export interface FileSurvey {
  readonly path: string
  readonly rows: number
  readonly points: number
  readonly firstMs: number
  readonly lastMs: number
  /** Distinct event times, counting neighbours only: tells how dense the file is. */
  readonly moments: number
  readonly inOrder: boolean
}

const BATCH = 512
const SORTED_RUN = 100_000

export const surveyFile = async (
  path: string,
  options: CsvOptions,
  onBad: (row: BadRow) => void,
): Promise<FileSurvey> => {
  let [rows, points, moments, inOrder] = [0, 0, 0, true]
  let [firstMs, lastMs, previousMs] = [Infinity, -Infinity, -Infinity]
  for await (const row of readCsv(path, options)) {
    rows++
    if (row.kind === 'bad') {
      onBad(row)
      continue
    }
    points++
    const { timestampMs } = row
    if (timestampMs < previousMs) inOrder = false
    if (timestampMs !== previousMs) moments++
    firstMs = Math.min(firstMs, timestampMs)
    lastMs = Math.max(lastMs, timestampMs)
    previousMs = timestampMs
  }
  return { path, rows, points, firstMs, lastMs, moments, inOrder }
}

export const sourceOf = (
  { path, firstMs, inOrder }: FileSurvey,
  options: CsvOptions,
): TimedSource<CsvPoint> => ({
  firstMs,
  open: () => (inOrder ? batched(pointsOf(path, options), BATCH) : sorted(path, options)),
})

async function* pointsOf(path: string, options: CsvOptions): AsyncGenerator<CsvPoint> {
  for await (const row of readCsv(path, options)) if (row.kind === 'point') yield row
}

async function* batched<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function* sorted(path: string, options: CsvOptions): AsyncGenerator<readonly CsvPoint[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-replay-'))
  try {
    const runs: TimedSource<CsvPoint>[] = []
    for await (const chunk of batched(pointsOf(path, options), SORTED_RUN)) {
      // Stable: points of one time keep the order they have in the file.
      const run = [...chunk].sort((a, b) => a.timestampMs - b.timestampMs)
      const file = join(folder, `${String(runs.length)}.ndjson`)
      await pipeline(Readable.from(linesOf(run)), createWriteStream(file))
      runs.push({ firstMs: run[0]?.timestampMs ?? 0, open: () => readRun(file) })
    }
    yield* mergeByTime(runs)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function* linesOf(points: readonly CsvPoint[]): Generator<string> {
  for (const point of points) yield `${JSON.stringify(point)}\n`
}

async function* readRun(file: string): AsyncGenerator<readonly CsvPoint[]> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
  yield* batched(parsed(lines), BATCH)
}

async function* parsed(lines: AsyncIterable<string>): AsyncGenerator<CsvPoint> {
  // Written by us a moment ago.
  for await (const line of lines) yield JSON.parse(line) as CsvPoint
}

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
import type { InputFile } from './input-files.ts'
import { mergeByTime, type TimedSource } from './merge.ts'
import type { BadRow, FileReader, GoodRow } from './rows.ts'

export interface FileSurvey {
  readonly file: InputFile
  readonly rows: number
  readonly good: number
  readonly firstMs: number
  readonly lastMs: number
  /** Distinct event times, counting neighbours only: tells how dense the file is. */
  readonly moments: number
  readonly inOrder: boolean
}

/** Of one open source; a thousand may be open. */
const BATCH = { rows: 512, bytes: 128 * 1024 }
/** What is sorted in memory at a time. */
const SORTED_RUN = { rows: 100_000, bytes: 32 * 1024 * 1024 }
const PROGRESS_ROWS = 20_000

export interface SurveyWatch {
  readonly onBad: (row: BadRow) => void
  readonly onRows?: (rows: number) => void
}

export const surveyFile = async <Value>(
  file: InputFile,
  read: FileReader<Value>,
  { onBad, onRows }: SurveyWatch,
): Promise<FileSurvey> => {
  let [rows, good, moments, inOrder] = [0, 0, 0, true]
  let [firstMs, lastMs, previousMs] = [Infinity, -Infinity, -Infinity]
  for await (const row of read(file)) {
    rows++
    if (rows % PROGRESS_ROWS === 0) onRows?.(rows)
    if (row.kind === 'bad') {
      onBad(row)
      continue
    }
    good++
    const { timestampMs } = row
    if (timestampMs < previousMs) inOrder = false
    if (timestampMs !== previousMs) moments++
    firstMs = Math.min(firstMs, timestampMs)
    lastMs = Math.max(lastMs, timestampMs)
    previousMs = timestampMs
  }
  return { file, rows, good, firstMs, lastMs, moments, inOrder }
}

export const sourceOf = <Value>(
  { file, firstMs, inOrder }: FileSurvey,
  read: FileReader<Value>,
): TimedSource<GoodRow<Value>> => ({
  firstMs,
  open: () => (inOrder ? batched(goodRows(file, read), BATCH) : sorted(file, read)),
})

async function* goodRows<Value>(
  file: InputFile,
  read: FileReader<Value>,
): AsyncGenerator<GoodRow<Value>> {
  for await (const row of read(file)) if (row.kind === 'row') yield row
}

async function* batched<T extends { readonly bytes: number }>(
  items: AsyncIterable<T>,
  limit: { readonly rows: number; readonly bytes: number },
): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  let bytes = 0
  for await (const item of items) {
    batch.push(item)
    bytes += item.bytes
    if (batch.length < limit.rows && bytes < limit.bytes) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

async function* sorted<Value>(
  file: InputFile,
  read: FileReader<Value>,
): AsyncGenerator<readonly GoodRow<Value>[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-replay-'))
  try {
    const runs: TimedSource<GoodRow<Value>>[] = []
    for await (const chunk of batched(goodRows(file, read), SORTED_RUN)) {
      // Stable: rows of one time keep the order they have in the file.
      const run = [...chunk].sort((a, b) => a.timestampMs - b.timestampMs)
      const path = join(folder, `${String(runs.length)}.ndjson`)
      await pipeline(Readable.from(linesOf(run)), createWriteStream(path))
      runs.push({ firstMs: run[0]?.timestampMs ?? 0, open: () => readRun<Value>(path) })
    }
    yield* mergeByTime(runs)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function* linesOf(rows: readonly GoodRow<unknown>[]): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`
}

async function* readRun<Value>(path: string): AsyncGenerator<readonly GoodRow<Value>[]> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  yield* batched(parsed<Value>(lines), BATCH)
}

async function* parsed<Value>(lines: AsyncIterable<string>): AsyncGenerator<GoodRow<Value>> {
  // Written by us a moment ago.
  for await (const line of lines) yield JSON.parse(line) as GoodRow<Value>
}

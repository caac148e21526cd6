/** What a file is read into, whatever it holds: rows in the order of the file, good and bad. */
import type { EpochMs } from '../../schemas/topic.ts'
import type { InputFile } from './input-files.ts'

export interface GoodRow<Value> {
  readonly kind: 'row'
  readonly line: number
  readonly timestampMs: EpochMs
  /** Of its text in the file: what bounds memory. */
  readonly bytes: number
  /** JSON can hold it: a file that is not in event time is sorted through temporary files. */
  readonly value: Value
}

export interface BadRow {
  readonly kind: 'bad'
  readonly line: number
  readonly reason: string
}

export type Row<Value> = GoodRow<Value> | BadRow

/** Throws ReplayError for a file that cannot be read at all. */
export type FileReader<Value> = (file: InputFile) => AsyncIterable<Row<Value>>

/** What becomes of a row is no record: a reason for people. */
export const badRow = (line: number, reason: string): BadRow => ({ kind: 'bad', line, reason })

export const shortened = (text: string): string =>
  text.length > 60 ? `${text.slice(0, 60)}...` : text

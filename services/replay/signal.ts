/** What distinguishes one kind of replay from another: where it goes, and how its files are read. */
import type { EpochMs, Topic } from '../../schemas/topic.ts'
import type { FileReader } from './rows.ts'

export interface ReplaySignal<Value, Read = Value> {
  readonly topic: Topic<Value>
  /** Of the files that are taken out of a folder. */
  readonly endings: readonly string[]
  readonly reader: (context: ReadContext) => FileReader<Read>
  /** What was read is JSON, which cannot hold all that a record can. */
  readonly valueOf: (read: Read) => Value
}

export interface ReadContext {
  readonly tenant: string
  /** Event times beyond this are refused: the runtime would put them aside. */
  readonly latestMs: EpochMs
}

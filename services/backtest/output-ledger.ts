/**
 * Whether a run wrote what was recorded: byte for byte, key by key, in order.
 *
 * Memory is bounded by the number of keys, not of records: of each key only digests are kept.
 *
 * L1: what was recorded of a key must be what the run wrote first for it. The run may go on: the
 *     pipeline may have been at work while its outputs were read.
 * L2: where several tasks write one key, their order among each other is nobody's to promise; then
 *     the same records in any order will do, unless the run went on.
 * L3: of a compacted topic the latest record of a key must be among those the run wrote.
 */
import { createHash } from 'node:crypto'

export interface WrittenRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export interface LedgerMismatch {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly recorded: number
  readonly produced: number
}

interface Side {
  count: number
  /** Over the values in order. */
  chain: string
  /** Over the values in any order. */
  sum: number
}

interface KeyEntry {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly recorded: Side
  readonly produced: Side
  latestRecorded: number
  latestFound: boolean
  /** The task that wrote it; -1 for several. */
  task: number | undefined
  /** Decided when the run had written as many as were recorded (L1). */
  sameInOrder: boolean
}

const SUM_LIMIT = 2 ** 48
const SHOWN_MISMATCHES = 20

export class OutputLedger {
  readonly #entries = new Map<string, KeyEntry>()
  readonly #isCompacted: (topic: string) => boolean
  recordedCount = 0
  producedCount = 0

  constructor(isCompacted: (topic: string) => boolean) {
    this.#isCompacted = isCompacted
  }

  /** Everything that was recorded comes before the first `produce`. */
  record(record: WrittenRecord): void {
    const entry = this.#entryOf(record)
    const hash = hashOf(record.value)
    add(entry.recorded, hash)
    entry.latestRecorded = hash.number
    this.recordedCount += 1
  }

  produce(task: number, record: WrittenRecord): void {
    const entry = this.#entryOf(record)
    const hash = hashOf(record.value)
    const { recorded, produced } = entry
    add(produced, hash)
    entry.task = entry.task === undefined || entry.task === task ? task : -1
    if (hash.number === entry.latestRecorded) entry.latestFound = true
    if (produced.count === recorded.count) entry.sameInOrder = produced.chain === recorded.chain
    this.producedCount += 1
  }

  /** The first keys that differ, and how many do. */
  mismatches(): { readonly count: number; readonly shown: readonly LedgerMismatch[] } {
    let count = 0
    const shown: LedgerMismatch[] = []
    for (const entry of this.#entries.values()) {
      if (this.#agrees(entry)) continue
      count += 1
      if (shown.length === SHOWN_MISMATCHES) continue
      const { topic, partition, key, recorded, produced } = entry
      shown.push({ topic, partition, key, recorded: recorded.count, produced: produced.count })
    }
    return { count, shown }
  }

  #agrees({ topic, recorded, produced, task, ...entry }: KeyEntry): boolean {
    if (recorded.count === 0) return true // L1
    if (this.#isCompacted(topic)) return entry.latestFound // L3
    if (task !== -1) return entry.sameInOrder
    return produced.count > recorded.count || produced.sum === recorded.sum // L2
  }

  #entryOf({ topic, partition, key }: WrittenRecord): KeyEntry {
    const text = key?.toString('utf8') ?? ''
    const name = `${topic}/${partition} ${text}`
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      const side = (): Side => ({ count: 0, chain: '', sum: 0 })
      const sides = { recorded: side(), produced: side() }
      const open = { latestRecorded: -1, latestFound: false, task: undefined, sameInOrder: false }
      entry = { topic, partition, key: text, ...sides, ...open }
      this.#entries.set(name, entry)
    }
    return entry
  }
}

interface ValueHash {
  readonly text: string
  /** 48 bits of it. */
  readonly number: number
}

const hashOf = (value: Buffer | null): ValueHash => {
  const digest = createHash('sha256')
    .update(value ?? 'tombstone')
    .digest()
  return { text: digest.toString('latin1'), number: digest.readUIntBE(0, 6) }
}

const add = (side: Side, { text, number }: ValueHash): void => {
  side.count += 1
  side.sum = (side.sum + number) % SUM_LIMIT
  side.chain = createHash('sha256').update(side.chain).update(text, 'latin1').digest('base64')
}

/**
 * A block that is being filled. Pure: what it holds, and whether it should go.
 *
 * Adaptive linger: a block waits for company about ten times as long as one takes to be committed,
 * so a fast server shows points within a second and a strained one gets fewer, larger blocks.
 */
import type { BlockBounds } from './block.ts'
import type { RowWriter } from './row-writer.ts'

export interface BlockLimits {
  /** Of the rows as sent; below the 8 MB up to which a block stays one part. */
  readonly sizeBytes: number
  readonly rows: number
  /** Each waits for its acknowledgement before the block is claimed. */
  readonly deadLetters: number
  readonly minLingerMs: number
  readonly maxLingerMs: number
  /** After this, progress without rows (control records, dead letters) is recorded, too. */
  readonly idleMs: number
}

export const defaultLimits: BlockLimits = {
  sizeBytes: 6_000_000,
  rows: 100_000,
  deadLetters: 5_000,
  minLingerMs: 500,
  maxLingerMs: 5_000,
  idleMs: 3_000,
}

const LINGER_PER_COMMIT = 10
const NEWEST_WEIGHT = 0.3

export class Linger {
  readonly #limits: BlockLimits
  #commitMs = 0

  constructor(limits: BlockLimits) {
    this.#limits = limits
  }

  committed(tookMs: number): void {
    this.#commitMs += NEWEST_WEIGHT * (tookMs - this.#commitMs)
  }

  get ms(): number {
    const { minLingerMs, maxLingerMs } = this.#limits
    return Math.min(maxLingerMs, Math.max(minLingerMs, LINGER_PER_COMMIT * this.#commitMs))
  }
}

export class BlockDraft {
  readonly writer: RowWriter
  readonly firstOffset: number
  /** The offset behind what was taken; `firstOffset` while there is nothing. */
  nextOffset: number
  rows = 0
  deadLetters = 0
  /** When the first record was taken. */
  openedAtMs: number | undefined
  /** Append time of the oldest record with a row. */
  oldestAppendMs: number | undefined

  constructor({ firstOffset, writer }: { firstOffset: number; writer: RowWriter }) {
    this.firstOffset = firstOffset
    this.nextOffset = firstOffset
    this.writer = writer
  }

  get isEmpty(): boolean {
    return this.nextOffset === this.firstOffset
  }

  get bounds(): BlockBounds {
    return { firstOffset: this.firstOffset, lastOffset: this.nextOffset - 1 }
  }

  /** Everything below `nextOffset` was taken. */
  advance(nextOffset: number, nowMs: number): void {
    if (nextOffset === this.nextOffset) return
    this.nextOffset = nextOffset
    this.openedAtMs ??= nowMs
  }

  isFull(limits: BlockLimits): boolean {
    return (
      this.writer.sizeBytes >= limits.sizeBytes ||
      this.rows >= limits.rows ||
      this.deadLetters >= limits.deadLetters
    )
  }

  /** When it should go though it is not full; undefined while there is nothing to send. */
  dueAtMs(limits: BlockLimits, lingerMs: number): number | undefined {
    if (this.openedAtMs === undefined) return undefined
    return this.openedAtMs + (this.rows > 0 ? lingerMs : limits.idleMs)
  }
}

/**
 * What the sink needs of ClickHouse. `clickhouse-block-store.ts` is the real one; the model in
 * testing/ has the same faults as the real one, on purpose.
 *
 * Every method may fail with an unknown outcome (a lost answer) and may be repeated.
 */
import type { Claim, Gap, PartitionId } from './block.ts'

export interface OpenClaim extends Claim {
  /** By the server's clock. */
  readonly ageMs: number
}

/** The newest finished and the newest claimed block of a partition. */
export interface Ledger {
  readonly doneLastOffset: number | undefined
  readonly newestClaim: OpenClaim | undefined
}

export interface InsertRequest {
  readonly id: PartitionId
  readonly claim: Claim
  readonly rows: Buffer
  /** Part of the token; above 0 only after it was seen that ClickHouse kept the token but no row. */
  readonly attempt: number
}

/** `superseded`: somebody finished this block already; nothing was inserted. */
export type InsertOutcome = 'written' | 'superseded'

export interface FormerTopic {
  readonly topicId: string
  /** The last one that is in ClickHouse. */
  readonly lastOffset: number
}

export interface BlockStore {
  load(id: PartitionId): Promise<Ledger>
  /**
   * Compare-and-set: records the claim unless one at or behind its first offset is recorded.
   * True when the recorded one is this one (also when an earlier call recorded it).
   */
  claim(id: PartitionId, claim: Claim): Promise<boolean>
  insert(request: InsertRequest): Promise<InsertOutcome>
  countRows(id: PartitionId, claim: Claim): Promise<number>
  /** May be recorded later: a newer claim says the same. */
  finish(id: PartitionId, claim: Claim, rows: number): Promise<void>
  /** False when the same gap was recorded before. */
  recordGap(gap: Gap): Promise<boolean>
}

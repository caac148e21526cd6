/** A block: the records of one partition that reach ClickHouse by one insert. */

export interface PartitionId {
  readonly topic: string
  /** A re-created topic has another id: its offsets mean other records. */
  readonly topicId: string
  readonly partition: number
}

export interface BlockBounds {
  readonly firstOffset: number
  /** Inclusive. Control records and dead letters lie inside the bounds, too. */
  readonly lastOffset: number
}

/** What is fixed, and recorded, before the first row is sent. */
export interface Claim extends BlockBounds {
  readonly rows: number
  /** `_ingested_at` of every row, repeats included: it decides the table partition. */
  readonly ingestedAtMs: number
  readonly claimId: string
}

/** Same bounds, same token: ClickHouse takes one of them. */
export const tokenOf = (id: PartitionId, { firstOffset, lastOffset }: BlockBounds): string =>
  `${id.topicId}/${String(id.partition)}/${String(firstOffset)}-${String(lastOffset)}`

export const nameOf = ({ topic, partition }: PartitionId): string => `${topic}/${String(partition)}`

export type GapKind = 'retention' | 'topic-recreated' | 'log-truncated' | 'incomplete-block'

/** Offsets that were wanted and cannot be had any more. */
export interface Gap {
  readonly id: PartitionId
  readonly kind: GapKind
  readonly fromOffset: number
  /** Inclusive; null when nobody can know. */
  readonly toOffset: number | null
  readonly detail: string
}

/**
 * How a block reaches ClickHouse once, whoever dies or sleeps in between. docs/adr/0006-sink-blocks.md
 * has the reasons.
 *
 *   claim (compare-and-set) -> insert (conditional, with token) -> finish
 *
 * P1: the blocks of a partition form a chain: a claim begins behind the newest one, and only one
 *     claim can begin there. So two sinks that both believe they own a partition work on the same
 *     block, with the same bounds, `_ingested_at` and token, or one of them is told that it lost.
 * P2: a claim is made only after all blocks before it are in. So the newest claim alone may be open.
 * P3: an insert is one part in one table partition: all rows or none. Rows found = block complete.
 * P4: ClickHouse writes a token before it publishes the part. Killed in between, it knows the token
 *     of rows it does not have, and would drop every repeat, also that of another sink. So each
 *     insert is counted, and a block that vanished is sent again under a new token.
 * P5: an open block that is young is repeated even if its rows are there: tokens make that free, and
 *     it fills materialised views that a dying server left behind. An old one is only counted,
 *     since tokens are forgotten in time.
 */
import { nameOf, type BlockBounds, type Claim, type PartitionId } from './block.ts'
import type { BlockStore, InsertRequest, OpenClaim } from './block-store.ts'

/** Far below the time in which a table forgets tokens; see the ADR. */
export const REPEAT_WITHIN_MS = 10 * 60_000

/** Rows of a range of offsets, as they would be inserted. */
export type ReadRange =
  | { readonly kind: 'rows'; readonly count: number; readonly rows: Buffer }
  /** The log begins behind the first offset of the range. */
  | { readonly kind: 'gone' }

export interface ProtocolPorts {
  readonly store: BlockStore
  readonly readRange: (bounds: BlockBounds) => Promise<ReadRange>
  /** Runs a step until it succeeds; rejects only when the partition is to be given up. */
  readonly persist: <T>(step: string, attempt: () => Promise<T>) => Promise<T>
  readonly warn: (message: string) => void
}

/** `next`: the first offset that is not in ClickHouse; undefined when nothing of the topic ever was. */
export interface OpenedPartition {
  readonly next: number | undefined
}

const behind = (claim: Claim): OpenedPartition => ({ next: claim.lastOffset + 1 })

/** Finds where the partition stands, finishing the block that the last owner left open. */
export const openPartition = async (
  ports: ProtocolPorts,
  id: PartitionId,
): Promise<OpenedPartition> => {
  const { store, persist } = ports
  for (;;) {
    const { doneLastOffset, newestClaim } = await persist('load', () => store.load(id))
    const isOpen = newestClaim !== undefined && newestClaim.lastOffset > (doneLastOffset ?? -1)
    if (!isOpen) return { next: doneLastOffset === undefined ? undefined : doneLastOffset + 1 }
    const outcome = await settle(ports, id, newestClaim)
    if (outcome === 'settled') return behind(newestClaim)
    if (outcome === 'gone') return { next: newestClaim.firstOffset }
  }
}

const settle = async (
  ports: ProtocolPorts,
  id: PartitionId,
  claim: OpenClaim,
): Promise<'settled' | 'gone' | 'superseded'> => {
  const { store, persist } = ports
  const finish = (rows: number) => persist('finish', () => store.finish(id, claim, rows))
  if (claim.rows === 0) {
    await finish(0)
    return 'settled'
  }
  const present = await persist('count', () => store.countRows(id, claim))
  if (present > 0 && claim.ageMs > REPEAT_WITHIN_MS) {
    await finish(present)
    return 'settled'
  }
  const range = await ports.readRange(claim)
  if (range.kind === 'gone') {
    if (present === 0) return 'gone'
    await finish(present)
    return 'settled'
  }
  if (range.count !== claim.rows) {
    // Compaction removed some, or the registry knows schemas it did not know then.
    ports.warn(
      `Block ${String(claim.firstOffset)}-${String(claim.lastOffset)} of ${nameOf(id)} had ` +
        `${String(claim.rows)} rows when it was claimed and has ${String(range.count)} now; inserting what is there`,
    )
  }
  const repeat = { id, claim, rows: range.rows, count: range.count }
  if ((await insertBlock(ports, repeat)) === 'superseded') return 'superseded'
  await finish(range.count)
  return 'settled'
}

/** Brings a new block in. `lost`: somebody else owns the partition now; open it again to see. */
export const commitBlock = async (
  ports: ProtocolPorts,
  id: PartitionId,
  block: { readonly claim: Claim; readonly rows: Buffer },
): Promise<'done' | 'lost'> => {
  const { store, persist } = ports
  const { claim, rows } = block
  if (!(await persist('claim', () => store.claim(id, claim)))) return 'lost'
  const request = { id, claim, rows, count: claim.rows }
  if ((await insertBlock(ports, request)) === 'superseded') return 'lost'
  await persist('finish', () => store.finish(id, claim, claim.rows))
  return 'done'
}

interface Insert extends Omit<InsertRequest, 'attempt'> {
  readonly count: number
}

const insertBlock = async (ports: ProtocolPorts, insert: Insert): Promise<'in' | 'superseded'> => {
  if (insert.count === 0) return 'in'
  const { store, persist } = ports
  const { id, claim, rows } = insert
  for (let attempt = 0; ; attempt += 1) {
    const request = { id, claim, rows, attempt }
    const outcome = await persist('insert', () => store.insert(request))
    if (outcome === 'superseded') return 'superseded'
    const present = await persist('count', () => store.countRows(id, claim))
    if (present > 0) return 'in'
    ports.warn(
      `ClickHouse remembers block ${String(claim.firstOffset)}-${String(claim.lastOffset)} of ` +
        `${nameOf(id)} but has none of its rows (it was killed while writing them); sending it again`,
    )
  }
}

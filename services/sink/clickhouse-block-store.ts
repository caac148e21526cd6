/**
 * The block store on a real ClickHouse, over HTTP.
 *
 * Settings of an insert (ADR 0006): never buffered by the server (async_insert), one block whatever
 * its size (max_insert_block_size and the two minima far above ours, one thread), checked by token
 * in the table and in the targets of its views, and ended by the server before the client gives up.
 */
import { Readable } from 'node:stream'
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client'
import { tokenOf, type Claim, type Gap, type PartitionId } from './block.ts'
import type {
  BlockStore,
  FormerTopic,
  InsertOutcome,
  InsertRequest,
  Ledger,
} from './block-store.ts'
import { storeError } from './store-error.ts'
import { inputStructure, type SinkTable } from './tables.ts'

/** An insert ends within this, done or not: what a zombie sent cannot arrive later. */
const MAX_EXECUTION_SECONDS = 50

/** Not 0 once a block is in: it is finished, or the next one was claimed. */
const finishedOrPassed = `
  SELECT count() FROM sink_blocks
  WHERE topic_id = {topicId:String} AND partition = {partition:Int32}
    AND ((state = 'done' AND last_offset >= {lastOffset:Int64}) OR first_offset > {lastOffset:Int64})`

/** Not 0 when somebody else was here first. */
const claimed = `
  SELECT count() FROM sink_blocks
  WHERE topic_id = {topicId:String} AND partition = {partition:Int32}
    AND (first_offset >= {firstOffset:Int64} OR (state = 'done' AND last_offset >= {firstOffset:Int64}))`

const claimStatement = `
  INSERT INTO sink_blocks
    (topic, topic_id, partition, state, first_offset, last_offset, rows, ingested_at, claim_id, owner)
  SELECT {topic:String}, {topicId:String}, {partition:Int32}, 'open', {firstOffset:Int64},
         {lastOffset:Int64}, {rows:UInt32}, fromUnixTimestamp64Milli({ingestedAtMs:Int64}, 'UTC'),
         {claimId:String}, {owner:String}
  FROM (SELECT 1) WHERE (${claimed}) = 0`

const CLAIM_ATTEMPTS = 5

const insertSettings: ClickHouseSettings = {
  async_insert: 0,
  wait_end_of_query: 1,
  max_execution_time: MAX_EXECUTION_SECONDS,
  insert_deduplicate: 1,
  deduplicate_insert_select: 'force_enable',
  deduplicate_blocks_in_dependent_materialized_views: 1,
  max_block_size: '1000000',
  max_insert_block_size: '1000000',
  min_insert_block_size_rows: '1000000',
  min_insert_block_size_bytes: '1000000000',
  max_insert_threads: '1',
  max_threads: 1,
}

const idParams = ({ topic, topicId, partition }: PartitionId) => ({ topic, topicId, partition })

interface LedgerRow {
  readonly state: 'open' | 'done'
  readonly first_offset: string | number
  readonly last_offset: string | number
  readonly rows: number
  readonly ingested_at_ms: string | number
  readonly claim_id: string
  readonly age_ms: string | number
}

export interface ClickHouseBlockStoreOptions {
  readonly client: ClickHouseClient
  /** Shown in sink_blocks: which process did it. */
  readonly owner: string
  readonly tables: readonly SinkTable[]
  /** Ends requests under way; their outcome is then unknown, as after a crash. */
  readonly signal?: AbortSignal
}

export class ClickHouseBlockStore implements BlockStore {
  readonly #client: ClickHouseClient
  readonly #owner: string
  readonly #tables: ReadonlyMap<string, { readonly name: string; readonly insertSql: string }>

  readonly #abort: { readonly abort_signal?: AbortSignal }

  constructor({ client, owner, tables, signal }: ClickHouseBlockStoreOptions) {
    this.#abort = signal === undefined ? {} : { abort_signal: signal }
    this.#client = client
    this.#owner = owner
    this.#tables = new Map(
      tables.map((table) => [
        table.topic.name,
        { name: table.table, insertSql: insertStatement(table) },
      ]),
    )
  }

  async load(id: PartitionId): Promise<Ledger> {
    const rows = await this.#rows<LedgerRow>(
      `SELECT state, first_offset, last_offset, rows, claim_id,
              toUnixTimestamp64Milli(ingested_at) AS ingested_at_ms,
              dateDiff('millisecond', recorded_at, now64(3)) AS age_ms
       FROM sink_blocks
       WHERE topic_id = {topicId:String} AND partition = {partition:Int32}
       ORDER BY state, first_offset DESC LIMIT 1 BY state`,
      idParams(id),
    )
    const done = rows.find(({ state }) => state === 'done')
    const open = rows.find(({ state }) => state === 'open')
    return {
      doneLastOffset: done === undefined ? undefined : Number(done.last_offset),
      newestClaim: open === undefined ? undefined : claimOf(open),
    }
  }

  async claim(id: PartitionId, claim: Claim): Promise<boolean> {
    const place = `${id.topicId}/${String(id.partition)}/${String(claim.firstOffset)}`
    const params = { ...idParams(id), ...claimParams(claim), owner: this.#owner }
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
      await this.#command(claimStatement, params, {
        // The condition alone lets two claims pass that are made at the same instant.
        insert_deduplication_token: `claim ${place} ${String(attempt)}`,
      })
      const { newestClaim, doneLastOffset = -1 } = await this.load(id)
      if (newestClaim?.claimId === claim.claimId) return true
      if (newestClaim !== undefined && newestClaim.firstOffset >= claim.firstOffset) return false
      if (doneLastOffset >= claim.firstOffset) return false
      // The token is known, the row is not: killed in between. All claimants get here alike.
    }
    throw storeError('claim', new Error(`the claim ${place} is accepted but not found`))
  }

  async insert({ id, claim, rows, attempt }: InsertRequest): Promise<InsertOutcome> {
    const suffix = attempt === 0 ? '' : ` again ${String(attempt)}`
    try {
      const result = await this.#client.exec({
        query: this.#table(id).insertSql,
        values: Readable.from([rows], { objectMode: false }),
        query_params: { ...idParams(id), ...claimParams(claim) },
        clickhouse_settings: {
          ...insertSettings,
          insert_deduplication_token: tokenOf(id, claim) + suffix,
        },
        ...this.#abort,
      })
      result.stream.resume()
      return Number(result.summary?.result_rows ?? 1) === 0 ? 'superseded' : 'written'
    } catch (error) {
      throw storeError(`insert into ${this.#table(id).name}`, error)
    }
  }

  async countRows(id: PartitionId, claim: Claim): Promise<number> {
    const rows = await this.#rows<{ found: string | number }>(
      `SELECT count() AS found FROM ${this.#table(id).name}
       WHERE _topic_id = {topicId:String} AND _partition = {partition:Int32}
         AND _offset BETWEEN {firstOffset:Int64} AND {lastOffset:Int64}
         AND _ingested_at = fromUnixTimestamp64Milli({ingestedAtMs:Int64}, 'UTC')`,
      { ...idParams(id), ...claimParams(claim) },
    )
    return Number(rows[0]?.found ?? 0)
  }

  async finish(id: PartitionId, claim: Claim, rows: number): Promise<void> {
    await this.#command(
      `INSERT INTO sink_blocks
         (topic, topic_id, partition, state, first_offset, last_offset, rows, ingested_at, claim_id, owner)
       SELECT {topic:String}, {topicId:String}, {partition:Int32}, 'done', {firstOffset:Int64},
              {lastOffset:Int64}, {rows:UInt32}, fromUnixTimestamp64Milli({ingestedAtMs:Int64}, 'UTC'),
              {claimId:String}, {owner:String}`,
      { ...idParams(id), ...claimParams(claim), rows, owner: this.#owner },
      { insert_deduplication_token: `done ${tokenOf(id, claim)}` },
    )
  }

  async recordGap({ id, kind, fromOffset, toOffset, detail }: Gap): Promise<boolean> {
    const params = { ...idParams(id), kind, fromOffset, toOffset, detail }
    const inserted = await this.#command(
      `INSERT INTO sink_gaps (topic, topic_id, partition, kind, from_offset, to_offset, detail)
       SELECT {topic:String}, {topicId:String}, {partition:Int32}, {kind:String}, {fromOffset:Int64},
              {toOffset:Nullable(Int64)}, {detail:String}
       FROM (SELECT 1)
       WHERE (SELECT count() FROM sink_gaps
              WHERE topic = {topic:String} AND topic_id = {topicId:String}
                AND partition = {partition:Int32} AND kind = {kind:String}
                AND from_offset = {fromOffset:Int64}
                AND to_offset IS NOT DISTINCT FROM {toOffset:Nullable(Int64)}) = 0`,
      params,
      { insert_deduplication_token: `gap ${Object.values(params).join('/')}` },
    )
    return inserted > 0
  }

  /** Other topics that had this name. */
  async formerTopics({ topic, topicId, partition }: PartitionId): Promise<readonly FormerTopic[]> {
    const rows = await this.#rows<{ topic_id: string; last: string | number }>(
      `SELECT topic_id, max(last_offset) AS last FROM sink_blocks
       WHERE topic = {topic:String} AND partition = {partition:Int32}
         AND topic_id != {topicId:String} AND state = 'done'
       GROUP BY topic_id ORDER BY max(recorded_at) DESC`,
      { topic, topicId, partition },
    )
    return rows.map((row) => ({ topicId: row.topic_id, lastOffset: Number(row.last) }))
  }

  #table({ topic }: PartitionId) {
    const table = this.#tables.get(topic)
    if (table === undefined) throw new Error(`invariant: topic ${topic} has no table`)
    return table
  }

  async #rows<Row>(query: string, params: Readonly<Record<string, unknown>>): Promise<Row[]> {
    try {
      const result = await this.#client.query({
        query,
        query_params: params,
        format: 'JSONEachRow',
      })
      return await result.json<Row>()
    } catch (error) {
      throw storeError('read of sink_blocks', error)
    }
  }

  async #command(
    query: string,
    params: Readonly<Record<string, unknown>>,
    settings: ClickHouseSettings,
  ): Promise<number> {
    try {
      const { summary } = await this.#client.command({
        query,
        query_params: params,
        clickhouse_settings: { ...insertSettings, ...settings },
        ...this.#abort,
      })
      return Number(summary?.result_rows ?? 1)
    } catch (error) {
      throw storeError('write to sink_blocks', error)
    }
  }
}

const claimParams = ({ firstOffset, lastOffset, rows, ingestedAtMs, claimId }: Claim) => ({
  firstOffset,
  lastOffset,
  rows,
  ingestedAtMs,
  claimId,
})

const claimOf = (row: LedgerRow) => ({
  firstOffset: Number(row.first_offset),
  lastOffset: Number(row.last_offset),
  rows: row.rows,
  ingestedAtMs: Number(row.ingested_at_ms),
  claimId: row.claim_id,
  ageMs: Number(row.age_ms),
})

/** What repeats in every row of a block travels once, as a parameter. */
const insertStatement = (table: SinkTable): string => {
  const names = table.columns.map(({ name }) => `\`${name}\``).join(', ')
  const structure = inputStructure(table).replaceAll("'", "\\'")
  return `INSERT INTO ${table.table} (${names}, _offset, _topic_id, _partition, _ingested_at)
    SELECT ${names}, _offset, {topicId:String}, {partition:Int32},
           fromUnixTimestamp64Milli({ingestedAtMs:Int64}, 'UTC')
    FROM input('${structure}')
    WHERE (${finishedOrPassed}) = 0
    FORMAT RowBinary`
}

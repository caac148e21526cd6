/**
 * ClickHouse as the sink's protocol meets it, with its faults: answers get lost, the server dies
 * between a token and its rows or between the rows and a view, a condition is evaluated some time
 * before the part is committed, and tokens are forgotten after a number of newer ones. A query that
 * runs for as long as half of them last is ended by the server (max_execution_time).
 *
 * Every step waits at `gate`, so that a test decides who goes on, who sleeps and who dies.
 */
import type { Claim, Gap, PartitionId } from '../block.ts'
import { tokenOf } from '../block.ts'
import type { BlockStore, InsertOutcome, InsertRequest, Ledger, OpenClaim } from '../block-store.ts'
import { SinkError } from '../errors.ts'

export type Fault =
  'none' | 'lost-request' | 'lost-answer' | 'died-before-rows' | 'died-before-views'

/** Where a step may wait, and what befalls it. */
export type Gate = (step: string) => Promise<Fault>

interface StoredBlock {
  readonly state: 'open' | 'done'
  readonly claim: Claim
}

class TokenWindow {
  readonly #tokens: string[] = []
  readonly #size: number
  /** Tokens ever added: the model's clock. */
  added = 0

  constructor(size: number) {
    this.#size = size
  }

  outlives(sinceAdded: number): boolean {
    return this.added - sinceAdded < this.#size / 2
  }

  /** False when the token is known. */
  add(token: string): boolean {
    if (this.#tokens.includes(token)) return false
    this.added += 1
    this.#tokens.push(token)
    if (this.#tokens.length > this.#size) this.#tokens.shift()
    return true
  }
}

const unavailable = (step: string): SinkError =>
  new SinkError('SINK_STORE_UNAVAILABLE', `${step} got no answer`)

/** The server: shared by all sinks of a test. One partition only. */
export class ModelServer {
  readonly offsets: number[] = []
  /** What a materialised view counted. */
  viewRows = 0
  readonly gaps: Gap[] = []
  readonly #blocks: StoredBlock[] = []
  readonly claimTokens: TokenWindow
  readonly rowTokens: TokenWindow
  readonly #viewTokens: TokenWindow
  readonly openAgeMs: number

  constructor({ tokenWindow, openAgeMs }: { tokenWindow: number; openAgeMs: number }) {
    this.claimTokens = new TokenWindow(tokenWindow)
    this.rowTokens = new TokenWindow(tokenWindow)
    this.#viewTokens = new TokenWindow(tokenWindow)
    this.openAgeMs = openAgeMs
  }

  ledger(): Ledger {
    const newest = (state: StoredBlock['state']): Claim | undefined =>
      this.#blocks
        .filter((block) => block.state === state)
        .map(({ claim }) => claim)
        .reverse() // of equal versions ReplacingMergeTree keeps the last
        .sort((a, b) => b.firstOffset - a.firstOffset)[0]
    const open = newest('open')
    const newestClaim: OpenClaim | undefined = open && { ...open, ageMs: this.openAgeMs }
    return { doneLastOffset: newest('done')?.lastOffset, newestClaim }
  }

  mayClaim({ firstOffset }: Claim): boolean {
    return !this.#blocks.some(
      ({ state, claim }) =>
        claim.firstOffset >= firstOffset || (state === 'done' && claim.lastOffset >= firstOffset),
    )
  }

  addClaim(claim: Claim, attempt: number): void {
    const token = `${String(claim.firstOffset)} ${String(attempt)}`
    if (this.claimTokens.add(token)) this.#blocks.push({ state: 'open', claim })
  }

  addDone(claim: Claim): void {
    this.#blocks.push({ state: 'done', claim })
  }

  /** Finished, or passed by a newer claim. */
  isIn({ lastOffset }: Claim): boolean {
    return this.#blocks.some(
      ({ state, claim }) =>
        (state === 'done' && claim.lastOffset >= lastOffset) || claim.firstOffset > lastOffset,
    )
  }

  addRows(token: string, offsets: readonly number[], fault: Fault): void {
    const isNew = this.rowTokens.add(token)
    if (isNew && fault === 'died-before-rows') return
    if (isNew) this.offsets.push(...offsets)
    if (fault === 'died-before-views') return
    if (this.#viewTokens.add(token)) this.viewRows += offsets.length
  }

  countRows({ firstOffset, lastOffset }: Claim): number {
    return this.offsets.filter((offset) => offset >= firstOffset && offset <= lastOffset).length
  }
}

/** Rows are the offsets themselves, as JSON. */
export const modelRows = (offsets: readonly number[]): Buffer =>
  Buffer.from(JSON.stringify(offsets))

export class ModelBlockStore implements BlockStore {
  readonly #server: ModelServer
  readonly #gate: Gate

  constructor(server: ModelServer, gate: Gate) {
    this.#server = server
    this.#gate = gate
  }

  load(_id: PartitionId): Promise<Ledger> {
    return this.#step('load', () => this.#server.ledger())
  }

  async claim(_id: PartitionId, claim: Claim): Promise<boolean> {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { claimTokens } = this.#server
      const startedAt = claimTokens.added
      const may = await this.#step('claim condition', () => this.#server.mayClaim(claim))
      if (may) {
        await this.#step('claim commit', () => {
          if (!claimTokens.outlives(startedAt)) throw unavailable('claim')
          this.#server.addClaim(claim, attempt)
        })
      }
      const { newestClaim, doneLastOffset = -1 } = await this.#step('claim check', () =>
        this.#server.ledger(),
      )
      if (newestClaim?.claimId === claim.claimId) return true
      if (newestClaim !== undefined && newestClaim.firstOffset >= claim.firstOffset) return false
      if (doneLastOffset >= claim.firstOffset) return false
    }
    throw unavailable('claim')
  }

  async insert({ id, claim, rows, attempt }: InsertRequest): Promise<InsertOutcome> {
    const { rowTokens } = this.#server
    const startedAt = rowTokens.added
    const isIn = await this.#step('insert condition', () => this.#server.isIn(claim))
    if (isIn) return 'superseded'
    const offsets = JSON.parse(rows.toString()) as number[]
    const token = `${tokenOf(id, claim)} ${String(attempt)}`
    await this.#step('insert commit', (fault) => {
      if (!rowTokens.outlives(startedAt)) throw unavailable('insert')
      this.#server.addRows(token, offsets, fault)
    })
    return 'written'
  }

  countRows(_id: PartitionId, claim: Claim): Promise<number> {
    return this.#step('count', () => this.#server.countRows(claim))
  }

  finish(_id: PartitionId, claim: Claim): Promise<void> {
    return this.#step('finish', () => {
      this.#server.addDone(claim)
    })
  }

  recordGap(gap: Gap): Promise<boolean> {
    return this.#step('gap', () => {
      this.#server.gaps.push(gap)
      return true
    })
  }

  async #step<T>(step: string, work: (fault: Fault) => T): Promise<T> {
    const fault = await this.#gate(step)
    if (fault === 'lost-request') throw unavailable(step)
    const result = work(fault)
    if (fault !== 'none') throw unavailable(step)
    return result
  }
}

/**
 * One partition on its way into ClickHouse, for as long as this process owns it.
 *
 *   open (settle the last owner's block, find the position, record gaps) -> fill and commit blocks
 *
 * While a block is being committed the next one fills; there are never more than two, so memory is
 * bounded, and Kafka waits through the fetcher's limits when ClickHouse does.
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type {
  FetchedRecords,
  KafkaCluster,
  TopicPartition,
} from '../../pipelines/runtime/kafka/index.ts'
import { BlockDraft, Linger, type BlockLimits } from './block-draft.ts'
import { commitBlock, type ProtocolPorts } from './block-protocol.ts'
import type { BlockStore } from './block-store.ts'
import { nameOf, type Gap, type PartitionId } from './block.ts'
import type { DeadLetters } from './dead-letters.ts'
import { readRange, topicIdOf, type TopicGuard } from './kafka-partition.ts'
import { findStart, type StartPorts } from './partition-start.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import type { Misfit } from './row-encoder.ts'
import type { TopicRows } from './topic-rows.ts'
import { WakeUp } from './wake-up.ts'
import type { WriterPool } from './writer-pool.ts'

/** Every step that depends on a server: waits and tries again until the partition is given up. */
export type Persist = <T>(
  what: { readonly step: string; readonly name: string; readonly signal: AbortSignal },
  attempt: () => Promise<T>,
) => Promise<T>

export interface PartitionObserver {
  rowsCommitted(topic: string, block: { rows: number; sizeBytes: number; commitMs: number }): void
  deadLettered(topic: string, code: string): void
  gapFound(gap: Gap): void
  warn(message: string): void
  /** The partition stands still until it is tried again. */
  partitionFailed(name: string, error: unknown): void
  partitionWorks(name: string): void
}

export interface PartitionSinkOptions {
  readonly topic: string
  readonly partition: number
  readonly cluster: KafkaCluster
  readonly guard: TopicGuard
  readonly store: BlockStore
  readonly formerTopics: StartPorts['formerTopics']
  readonly topicRows: TopicRows
  readonly deadLetters: DeadLetters
  readonly writers: WriterPool
  readonly limits: BlockLimits
  readonly persist: Persist
  readonly observer: PartitionObserver
  /** Starts the stream at an offset; `push` gets what comes. */
  readonly fetchFrom: (offset: number) => void
  readonly stopFetching: () => void
  /** Wall clock: becomes `_ingested_at`. */
  readonly nowMs: () => number
}

/** Seen from outside: what lag and delay are computed from. */
export interface PartitionProgress {
  /** The first offset that is not known to be in ClickHouse; undefined until the partition is open. */
  committed: number | undefined
  highWatermark: number
  logStartOffset: number
  /** Append time of the oldest record taken and not yet in ClickHouse. */
  oldestAppendMs: number | undefined
}

/** Why filling ended. All but `stopping`: the partition must be looked at again from the start. */
type FillingEnd = 'lost' | 'out-of-range' | 'topic-recreated' | 'failed' | 'stopping'

const FAILED_PAUSE_MS = 10_000
/** Rows between two looks at what all drafts together hold: by so much each may exceed it. */
const BUDGET_LOOK_BYTES = 64 * 1024

export class PartitionSink {
  readonly progress: PartitionProgress = {
    committed: undefined,
    highWatermark: -1,
    logStartOffset: -1,
    oldestAppendMs: undefined,
  }
  readonly origin: TopicPartition
  readonly #options: PartitionSinkOptions
  readonly #linger: Linger
  readonly #stopping = new AbortController()
  readonly #queue: FetchedRecords[] = []
  #id: PartitionId
  readonly #wakeUp = new WakeUp()
  #end: FillingEnd | undefined
  #failure: Error | undefined
  #running: Promise<void> | undefined
  #letters: Promise<unknown>[] = []
  #committing: BlockDraft | undefined

  constructor(options: PartitionSinkOptions) {
    this.#options = options
    this.origin = { topic: options.topic, partition: options.partition }
    this.#linger = new Linger(options.limits)
    this.#id = { topic: options.topic, topicId: '', partition: options.partition }
  }

  get name(): string {
    return nameOf(this.#id)
  }

  /** Works until `stop`; never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run()
    return this.#running
  }

  push(fetched: FetchedRecords): void {
    this.progress.highWatermark = fetched.highWatermark
    this.progress.logStartOffset = fetched.logStartOffset
    if (this.#stopping.signal.aborted || this.#end !== undefined) {
      fetched.release()
      return
    }
    this.#queue.push(fetched)
    this.#wakeUp.ring()
  }

  outOfRange(): void {
    this.#endFilling('out-of-range')
  }

  /** The stream cannot go on from where it is, e.g. corrupt bytes. */
  fail(error: Error): void {
    this.#failure = error
    this.#endFilling('failed')
  }

  /** Lets a block that is under way finish for at most `graceMs`, then gives the partition up. */
  async stop(graceMs: number): Promise<void> {
    this.#end = 'stopping'
    this.#wakeUp.ring()
    const timer = setTimeout(() => {
      this.#abort()
    }, graceMs)
    if (this.#committing === undefined) this.#abort()
    await this.#running
    clearTimeout(timer)
  }

  #abort(): void {
    this.#stopping.abort(new Error(`${this.name} is given up`))
    this.#wakeUp.ring()
  }

  get #isStopping(): boolean {
    return this.#end === 'stopping' || this.#stopping.signal.aborted
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#openAndFill()
        if (this.#failure !== undefined) throw this.#failure
      } catch (error) {
        if (this.#isStopping) return
        this.#failure = undefined
        this.#options.observer.partitionFailed(this.name, error)
        await this.#wakeUp.wait(performance.now() + FAILED_PAUSE_MS)
      }
    }
  }

  async #openAndFill(): Promise<void> {
    const start = await this.#open()
    if (this.#isStopping) return
    this.#end = undefined
    this.progress.committed = start
    this.#options.observer.partitionWorks(this.name)
    this.#options.fetchFrom(start)
    try {
      await this.#fill(start)
    } finally {
      this.#options.stopFetching()
      for (const fetched of this.#queue.splice(0)) fetched.release()
      this.progress.oldestAppendMs = undefined
    }
  }

  async #open(): Promise<number> {
    const { cluster, topic, partition, formerTopics, observer } = this.#options
    const { signal } = this.#stopping
    const topicId = await this.#persist('topic', () => topicIdOf(cluster, topic, signal))
    this.#id = { topic, topicId, partition }
    const ports: StartPorts = {
      ...this.#ports(),
      cluster,
      formerTopics,
      signal,
      gapFound: (gap) => {
        observer.gapFound(gap)
      },
      pause: (ms) => this.#wakeUp.wait(performance.now() + ms),
      isStopping: () => this.#isStopping,
    }
    return findStart(ports, this.#id)
  }

  // --- filling --------------------------------------------------------------------------------

  async #fill(start: number): Promise<void> {
    let draft = this.#newDraft(start)
    let fetched: FetchedRecords | undefined
    let commit: Promise<void> | undefined
    try {
      while (this.#end === undefined && !this.#stopping.signal.aborted) {
        fetched ??= this.#queue.shift()
        if (fetched !== undefined && !this.#isFull(draft)) {
          const isDone = await this.#take(fetched, draft)
          await yieldToEventLoop()
          if (isDone) {
            fetched.release()
            fetched = undefined
          }
        }
        const isDue = this.#isFull(draft) || performance.now() >= this.#dueAt(draft)
        if (isDue && this.#committing === undefined) {
          commit = this.#commit(draft)
          commit.catch(() => undefined) // Looked at when filling ends, which it causes.
          draft = this.#newDraft(draft.nextOffset)
          continue
        }
        const canTake = (fetched !== undefined || this.#queue.length > 0) && !this.#isFull(draft)
        if (canTake) continue
        await this.#wakeUp.wait(this.#committing === undefined ? this.#dueAt(draft) : Infinity)
      }
    } finally {
      fetched?.release()
      await commit
      this.#options.writers.giveBack(draft.writer)
      this.#letters = []
    }
  }

  /** Takes records until the set is used up (true) or the draft is full. */
  async #take(fetched: FetchedRecords, draft: BlockDraft): Promise<boolean> {
    const { records } = fetched
    const { topicRows, limits } = this.#options
    const { writer } = draft
    const nowMs = performance.now()
    let lookAtBytes = writer.sizeBytes + BUDGET_LOOK_BYTES
    while (records.next()) {
      let outcome = topicRows.append(records, writer)
      while (outcome === 'needs-schema') {
        await this.#loadSchema()
        outcome = topicRows.append(records, writer)
      }
      if (outcome === 'row') {
        draft.rows += 1
        draft.oldestAppendMs ??= records.timestampMs
        this.progress.oldestAppendMs ??= records.timestampMs
      } else if (outcome !== 'skipped') {
        await this.#putAside(records, outcome)
        draft.deadLetters += 1
      }
      draft.advance(records.offset + 1, nowMs)
      if (draft.isFull(limits)) return false
      if (writer.sizeBytes < lookAtBytes) continue
      if (this.#isFull(draft)) return false
      lookAtBytes = writer.sizeBytes + BUDGET_LOOK_BYTES
    }
    draft.advance(records.nextOffset, nowMs)
    return true
  }

  /** Waits until the copy is made; for its arrival the claim waits. */
  async #putAside(records: RecordSet, misfit: Misfit): Promise<void> {
    const { deadLetters, observer } = this.#options
    const { delivered } = await this.#persist('dead letter', () =>
      deadLetters(this.#id, records, misfit),
    )
    this.#letters.push(delivered)
    observer.deadLettered(this.#id.topic, misfit.code)
  }

  async #commit(draft: BlockDraft): Promise<void> {
    const { writers } = this.#options
    this.#committing = draft
    const letters = this.#letters.splice(0)
    const startedMs = performance.now()
    try {
      await Promise.all(letters)
      const { guard, observer } = this.#options
      const isSame = () => guard.isSame(this.#id, this.#stopping.signal)
      if (!(await this.#persist('topic', isSame))) {
        this.#endFilling('topic-recreated')
        return
      }
      const claim = {
        ...draft.bounds,
        rows: draft.rows,
        ingestedAtMs: this.#options.nowMs(),
        claimId: randomUUID(),
      }
      const rows = draft.writer.bytes()
      const outcome = await commitBlock(this.#ports(), this.#id, { claim, rows })
      if (outcome === 'lost') {
        observer.warn(`Another sink works on ${this.name}; looking at it again`)
        this.#endFilling('lost')
        return
      }
      const commitMs = performance.now() - startedMs
      this.#linger.committed(commitMs)
      this.progress.committed = draft.nextOffset
      this.progress.oldestAppendMs = undefined
      observer.rowsCommitted(this.#id.topic, { rows: draft.rows, sizeBytes: rows.length, commitMs })
      writers.giveBack(draft.writer)
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.fail(error instanceof Error ? error : new Error(String(error)))
    } finally {
      // Not reused unless it was surely sent to its end: a row of it may still be under way.
      writers.discard(draft.writer)
      this.#committing = undefined
      this.#wakeUp.ring()
    }
  }

  #newDraft(firstOffset: number): BlockDraft {
    return new BlockDraft({ firstOffset, writer: this.#options.writers.take() })
  }

  /** Also when all drafts together take too much memory: then blocks go early. */
  #isFull(draft: BlockDraft): boolean {
    const { limits, writers } = this.#options
    return draft.isFull(limits) || (writers.isExceeded && draft.rows > 0)
  }

  #dueAt(draft: BlockDraft): number {
    return draft.dueAtMs(this.#options.limits, this.#linger.ms) ?? Infinity
  }

  #endFilling(reason: FillingEnd): void {
    this.#end ??= reason
    this.#wakeUp.ring()
  }

  // --- waiting --------------------------------------------------------------------------------

  #loadSchema(): Promise<void> {
    return this.#persist('schema', () => this.#options.topicRows.loadPendingSchema())
  }

  #persist<T>(step: string, attempt: () => Promise<T>): Promise<T> {
    const { signal } = this.#stopping
    return this.#options.persist({ step, name: this.name, signal }, attempt)
  }

  #ports(): ProtocolPorts {
    const { cluster, store, topicRows, observer } = this.#options
    const { signal } = this.#stopping
    const loadSchema = () => this.#loadSchema()
    const range = { cluster, id: this.#id, topicRows, signal, loadSchema }
    return {
      store,
      readRange: (bounds) => this.#persist('re-read', () => readRange(range, bounds)),
      persist: (step, attempt) => this.#persist(step, attempt),
      warn: (message) => {
        observer.warn(message)
      },
    }
  }
}

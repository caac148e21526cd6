/**
 * Writes outputs and consumed offsets in one Kafka transaction.
 *
 * T1: `init` fences every older producer of the same transactional id and returns only when its
 *     last transaction is completed; read committed offsets after it, not before.
 * T2: nothing inside a transaction is retried except answers that say "not done, not now":
 *     CONCURRENT_TRANSACTIONS (the markers of the previous transaction are still being written) and
 *     what the broker turns it into while it verifies a partition (KIP-890); and EndTxn, once, on
 *     UNKNOWN_SERVER_ERROR: asked again, it ends the same transaction or is refused.
 * T3: after any other error the outcome is unknown. The producer refuses everything until `init`,
 *     and the caller must restore its state from what was committed.
 * T4: offsets go with member id and generation (TxnOffsetCommit v3), so that a member that was
 *     thrown out of its group is refused even if its producer was not fenced. A member that is
 *     rebalancing is refused, too, in the moment in which the next generation begins; then
 *     `groupAfter` gives the session in which its offsets may be committed. The refusal was of all
 *     of them, and the transaction stands as it did.
 */
import type { RecordBatchBuilder } from '../record/index.ts'
import { nextSequence } from '../record/index.ts'
import type { Compression } from '../record/index.ts'
import type { KafkaCluster } from './cluster.ts'
import { KafkaError, brokerError, brokerErrorCode, isRoutingError } from './kafka-error.ts'
import type { TopicPartition, TopicPartitionOffset } from './protocol/api.ts'
import type { Api } from './protocol/api.ts'
import type { GroupSession } from './protocol/offsets.ts'
import { produceApi } from './protocol/produce.ts'
import type { ProduceBatch, ProducedPartition } from './protocol/produce.ts'
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  endTxnApi,
  initProducerIdApi,
  txnOffsetCommitApi,
} from './protocol/transactions.ts'
import type { ProducerSession } from './protocol/transactions.ts'
import { allSettledOrThrow, retrying } from './retry.ts'

/** Where a transaction stands; see `onStage`. */
export type TransactionStage = 'partitions-added' | 'produced' | 'offsets-committed' | 'ended'

export interface TransactionalProducerOptions {
  readonly cluster: KafkaCluster
  readonly transactionalId: string
  /** After this the broker aborts a transaction left open, e.g. by a killed process. */
  readonly transactionTimeoutMs?: number
  /** Largest batch the topics accept (max.message.bytes, default 1,048,588). */
  readonly maxBatchBytes?: number
  readonly compression?: Compression
  /** Wall clock for record stamps, which LogAppendTime topics overwrite. */
  readonly now?: () => number
  /** For tests: awaited between the steps, so that a process can be stopped exactly there. */
  readonly onStage?: (stage: TransactionStage) => Promise<void> | void
}

export interface OutputBatches extends TopicPartition {
  /** Written in this order, each below `maxBatchBytes`; not touched until `commit` returns. */
  readonly builders: readonly RecordBatchBuilder[]
}

export interface TransactionCommit {
  readonly batches: readonly OutputBatches[]
  /** Written when all of `batches` are acknowledged, so that it can say where they stand. */
  readonly trailing?: TrailingBatches | undefined
  /** Next offset to read per input partition. */
  readonly offsets: readonly TopicPartitionOffset[]
  readonly group: GroupSession
  /** Asked when the generation is refused (T4); undefined: `group` has been left behind. */
  readonly groupAfter?: (refused: GroupSession) => Promise<GroupSession | undefined>
}

export interface TrailingBatches {
  readonly partitions: readonly TopicPartition[]
  /** Of whose ends `batches` will ask. */
  readonly behind: readonly TopicPartition[]
  /** `endOf`: an offset at or behind everything that this producer's id has written there. */
  readonly batches: (endOf: (target: TopicPartition) => number) => readonly OutputBatches[]
}

/** `fenced`: somebody else owns this transactional id or group membership now; do not come back. */
export class TransactionError extends KafkaError {
  override readonly name = 'TransactionError'
  readonly fenced: boolean

  constructor(transactionalId: string, cause: unknown) {
    const code = cause instanceof KafkaError ? cause.code : 'TRANSACTION_FAILED'
    const reason = cause instanceof Error ? cause.message : String(cause)
    const fenced = FENCED_CODES.has(code)
    const wayOut = fenced ? 'another owner has taken over' : 'init again and restore'
    super(code, `Transaction of ${transactionalId} failed: ${reason}; ${wayOut}`, { cause })
    this.fenced = fenced
  }
}

const FENCED_CODES = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'TRANSACTION_COORDINATOR_FENCED',
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'FENCED_INSTANCE_ID',
])

interface CountedBatch extends ProduceBatch {
  readonly count: number
}

/** The markers of a transaction are usually written within a few milliseconds. */
const NOT_NOW_DELAY_MS = 2
const NOT_NOW_MAX_DELAY_MS = 16
const DEFAULT_MAX_BATCH_BYTES = 1_048_588
const INIT_TIMEOUT_MS = 90_000

export class TransactionalProducer {
  readonly transactionalId: string
  readonly #options: TransactionalProducerOptions
  readonly #cluster: KafkaCluster
  readonly #timeoutMs: number
  readonly #sequences = new Map<string, number>()
  /** Where the log ended behind our last batch, or when it was first asked for. */
  readonly #ends = new Map<string, number>()
  #session: ProducerSession | undefined
  #coordinator = -1
  #busy = false
  /** Whose transaction has begun and was not ended. */
  #openSession: ProducerSession | undefined

  constructor(options: TransactionalProducerOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#timeoutMs = options.transactionTimeoutMs ?? 60_000
    this.transactionalId = options.transactionalId
  }

  /** Ready to commit: initialised, and no transaction has failed since. */
  get ready(): boolean {
    return this.#session !== undefined && !this.#busy
  }

  /** Producer id and epoch of this incarnation; undefined before `init` and after a failure. */
  get session(): ProducerSession | undefined {
    return this.#session
  }

  /** Takes the transactional id over (T1). Retries until it succeeds or 90 s are over. */
  async init(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#session = undefined
    this.#openSession = undefined
    this.#sequences.clear()
    this.#ends.clear() // a predecessor may have written behind them
    this.#session = await this.#cluster.withCoordinator(
      'transaction',
      this.transactionalId,
      async (nodeId) => {
        // Whoever gave up must not fence the owner that came after.
        options.signal?.throwIfAborted()
        const answer = await this.#cluster.send(
          nodeId,
          initProducerIdApi,
          { transactionalId: this.transactionalId, transactionTimeoutMs: this.#timeoutMs },
          this.#channel(),
        )
        if (answer.errorCode !== 0) {
          throw brokerError(answer.errorCode, `InitProducerId of ${this.transactionalId}`)
        }
        this.#coordinator = nodeId
        return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      },
      { retryTimeoutMs: INIT_TIMEOUT_MS, signal: options.signal },
    )
  }

  /**
   * One whole transaction. With neither records nor offsets it does nothing. Throws
   * TransactionError; then `init` is needed (T3). Not to be called while another commit runs.
   */
  async commit(transaction: TransactionCommit): Promise<void> {
    const batches = withoutEmpty(transaction.batches)
    const { trailing, offsets, group } = transaction
    const all = [...batches, ...(trailing?.partitions ?? [])]
    if (all.length === 0 && offsets.length === 0) return
    await this.#exclusively(async (session) => {
      try {
        this.#openSession = session
        if (all.length > 0) await this.#addPartitions(session, all)
        await this.#stage('partitions-added')
        await allSettledOrThrow([
          this.#produceInTurn(session, batches, trailing),
          this.#commitOffsets(session, transaction),
        ])
        await this.#end(session, true)
        await this.#stage('ended')
      } catch (error) {
        if (isRoutingError(error)) this.#forgetRoutes(all, group)
        throw error
      }
    })
  }

  #forgetRoutes(partitions: readonly TopicPartition[], { groupId }: GroupSession): void {
    for (const { topic } of partitions) this.#cluster.forgetTopic(topic)
    this.#cluster.forgetCoordinator('group', groupId)
    this.#cluster.forgetCoordinator('transaction', this.transactionalId)
  }

  /**
   * Ends the transaction that a failed commit left open, so that read_committed readers go on
   * before `init` or the time-out does it. Throws TransactionError when the broker refuses, e.g.
   * because another owner exists by now. Does nothing when no transaction is open.
   */
  async abort(): Promise<void> {
    const session = this.#openSession
    if (session === undefined || this.#busy) return
    try {
      await this.#end(session, false)
    } catch (cause) {
      throw new TransactionError(this.transactionalId, cause)
    }
  }

  /** Closes this producer's own connections; a transaction left open is the broker's to abort. */
  close(): void {
    this.#session = undefined
    this.#cluster.closeChannel(this.#channel().channel)
    this.#cluster.closeChannel(this.#offsetsChannel().channel)
  }

  async #exclusively(run: (session: ProducerSession) => Promise<void>): Promise<void> {
    const session = this.#session
    if (session === undefined || this.#busy) {
      throw new KafkaError(
        'PRODUCER_NOT_READY',
        `Transactional producer ${this.transactionalId} is ${this.#busy ? 'busy' : 'not initialised'}; await the last commit or call init`,
      )
    }
    this.#busy = true
    try {
      await run(session)
    } catch (cause) {
      this.#session = undefined
      throw new TransactionError(this.transactionalId, cause)
    } finally {
      this.#busy = false
    }
  }

  async #addPartitions(
    session: ProducerSession,
    targets: readonly TopicPartition[],
  ): Promise<void> {
    const partitions = targets.map(({ topic, partition }) => ({ topic, partition }))
    await this.#untilNow(async () => {
      const answers = await this.#toCoordinator(addPartitionsToTxnApi, {
        transactionalId: this.transactionalId,
        ...session,
        partitions,
      })
      // All or nothing: the others say OPERATION_NOT_ATTEMPTED beside the real reason.
      const failed = answers.filter(({ errorCode }) => errorCode !== 0)
      const reason = failed.find(({ errorCode }) => errorCode !== 55) ?? failed[0]
      if (reason === undefined) return
      const name = `${reason.topic}/${String(reason.partition)}`
      throw brokerError(reason.errorCode, `AddPartitionsToTxn of ${name}`)
    }, ADD_NOT_NOW)
  }

  async #produceInTurn(
    session: ProducerSession,
    batches: readonly OutputBatches[],
    trailing: TrailingBatches | undefined,
  ): Promise<void> {
    await this.#produceAll(session, batches)
    if (trailing !== undefined) {
      await this.#askEnds(trailing.behind)
      const endOf = (target: TopicPartition): number => this.#ends.get(nameOf(target)) ?? 0
      await this.#produceAll(session, withoutEmpty(trailing.batches(endOf)))
    }
    await this.#stage('produced')
  }

  /** Ends of partitions that this producer has not written to yet; its predecessors may have. */
  async #askEnds(partitions: readonly TopicPartition[]): Promise<void> {
    const unknown = partitions.filter((target) => !this.#ends.has(nameOf(target)))
    if (unknown.length === 0) return
    for (const listed of await this.#cluster.listOffsets(unknown, 'latest')) {
      this.#ends.set(nameOf(listed), listed.offset)
    }
  }

  async #produceAll(session: ProducerSession, batches: readonly OutputBatches[]): Promise<void> {
    const rounds = Math.max(0, ...batches.map(({ builders }) => builders.length))
    for (let round = 0; round < rounds; round++) {
      const ready = batches.flatMap(({ topic, partition, builders }) => {
        const builder = builders[round]
        return builder === undefined ? [] : [this.#finish(session, topic, partition, builder)]
      })
      const byLeader = await this.#byLeader(ready)
      await allSettledOrThrow([...byLeader].map(([nodeId, own]) => this.#produce(nodeId, own)))
    }
  }

  #finish(
    session: ProducerSession,
    topic: string,
    partition: number,
    builder: RecordBatchBuilder,
  ): CountedBatch {
    const key = nameOf({ topic, partition })
    const baseSequence = this.#sequences.get(key) ?? 0
    const batch = builder.finish({
      ...session,
      baseSequence,
      transactional: true,
      compression: this.#options.compression ?? 'none',
      timestampMs: (this.#options.now ?? Date.now)(),
    })
    const limit = this.#options.maxBatchBytes ?? DEFAULT_MAX_BATCH_BYTES
    if (batch.length > limit) {
      throw new KafkaError(
        'MESSAGE_TOO_LARGE',
        `Batch for ${key} has ${String(batch.length)} bytes, the topic takes ${String(limit)}; split it before commit`,
      )
    }
    this.#sequences.set(key, nextSequence(baseSequence, builder.count))
    return { topic, partition, batch, count: builder.count }
  }

  async #byLeader(batches: readonly CountedBatch[]): Promise<Map<number, CountedBatch[]>> {
    const unknown = batches.filter(
      ({ topic, partition }) => this.#cluster.cachedLeader(topic, partition) === undefined,
    )
    if (unknown.length > 0) {
      await this.#cluster.metadata([...new Set(unknown.map(({ topic }) => topic))])
    }
    const byLeader = new Map<number, CountedBatch[]>()
    for (const batch of batches) {
      const leader = this.#cluster.cachedLeader(batch.topic, batch.partition)
      if (leader === undefined) {
        throw brokerError(5, `Produce to ${batch.topic}/${String(batch.partition)}`)
      }
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
    }
    return byLeader
  }

  async #produce(nodeId: number, batches: readonly CountedBatch[]): Promise<void> {
    let open = batches
    await this.#untilNow(async () => {
      const answers = await this.#cluster.send(
        nodeId,
        produceApi,
        { transactionalId: this.transactionalId, timeoutMs: this.#timeoutMs, batches: open },
        this.#channel(),
      )
      this.#noteEnds(open, answers)
      const failed = answers.filter(({ errorCode }) => errorCode !== 0)
      open = open.filter((batch) => failed.some((answer) => isSamePartition(batch, answer)))
      const worst =
        failed.find(({ errorCode }) => !PRODUCE_NOT_NOW.has(brokerErrorCode(errorCode))) ??
        failed[0]
      if (worst === undefined) return
      throw brokerError(worst.errorCode, `Produce to ${worst.topic}/${String(worst.partition)}`)
    }, PRODUCE_NOT_NOW)
  }

  #noteEnds(batches: readonly CountedBatch[], answers: readonly ProducedPartition[]): void {
    for (const answer of answers) {
      const batch = batches.find((sent) => isSamePartition(sent, answer))
      if (batch === undefined || answer.errorCode !== 0) continue
      this.#ends.set(nameOf(answer), answer.baseOffset + batch.count)
    }
  }

  async #commitOffsets(session: ProducerSession, transaction: TransactionCommit): Promise<void> {
    const { offsets, groupAfter } = transaction
    if (offsets.length === 0) return
    const { transactionalId } = this
    const { groupId } = transaction.group
    await this.#untilNow(async () => {
      const errorCode = await this.#toCoordinator(addOffsetsToTxnApi, {
        transactionalId,
        ...session,
        groupId,
      })
      if (errorCode !== 0) throw brokerError(errorCode, `AddOffsetsToTxn of group ${groupId}`)
    }, ADD_NOT_NOW)
    // Each turn but the first takes a rebalance that this member has joined.
    for (let group = transaction.group; ;) {
      const refusal = await this.#sendOffsets(session, offsets, group)
      if (refusal === undefined) break
      const next = await groupAfter?.(group) // T4
      if (next === undefined) throw refusal
      group = next
    }
    await this.#stage('offsets-committed')
  }

  /** Returns the error when the generation is refused; throws any other. */
  async #sendOffsets(
    session: ProducerSession,
    offsets: readonly TopicPartitionOffset[],
    group: GroupSession,
  ): Promise<KafkaError | undefined> {
    const { transactionalId } = this
    const nodeId = await this.#cluster.coordinator('group', group.groupId)
    try {
      await this.#untilNow(async () => {
        const answers = await this.#cluster.send(
          nodeId,
          txnOffsetCommitApi,
          { transactionalId, ...session, ...group, offsets },
          this.#offsetsChannel(),
        )
        const failed = answers.find(({ errorCode }) => errorCode !== 0)
        if (failed === undefined) return
        const name = `${failed.topic}/${String(failed.partition)}`
        throw brokerError(failed.errorCode, `TxnOffsetCommit of ${group.groupId} for ${name}`)
      }, OFFSETS_NOT_NOW)
    } catch (error) {
      if (error instanceof KafkaError && error.code === 'ILLEGAL_GENERATION') return error
      throw error
    }
    return undefined
  }

  async #end(session: ProducerSession, committed: boolean): Promise<void> {
    try {
      await this.#sendEnd(session, committed)
    } catch (error) {
      // What Kafka 4 says while it raises the epoch of this very producer; then it says it was fenced.
      if (!(error instanceof KafkaError) || error.code !== 'UNKNOWN_SERVER_ERROR') throw error
      await this.#sendEnd(session, committed)
    }
    this.#openSession = undefined
  }

  async #sendEnd(session: ProducerSession, committed: boolean): Promise<void> {
    const { transactionalId } = this
    await this.#untilNow(async () => {
      const errorCode = await this.#toCoordinator(endTxnApi, {
        transactionalId,
        ...session,
        committed,
      })
      if (errorCode !== 0) throw brokerError(errorCode, `EndTxn of ${transactionalId}`)
    }, ADD_NOT_NOW)
  }

  async #toCoordinator<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return this.#cluster.send(this.#coordinator, api, request, this.#channel())
  }

  /** Repeats while the broker says "not now" (T2). */
  async #untilNow(run: () => Promise<void>, notNow: ReadonlySet<string>): Promise<void> {
    await retrying(
      {
        timeoutMs: this.#timeoutMs,
        firstDelayMs: NOT_NOW_DELAY_MS,
        maxDelayMs: NOT_NOW_MAX_DELAY_MS,
        retryIf: (error) => error instanceof KafkaError && notNow.has(error.code),
      },
      run,
    )
  }

  /** One connection per producer and broker: transactions of other tasks do not queue up here. */
  #channel(): { readonly channel: string } {
    return { channel: `txn/${this.transactionalId}` }
  }

  /** Commits of offsets run beside produce requests, maybe to the same broker. */
  #offsetsChannel(): { readonly channel: string } {
    return { channel: `txn-offsets/${this.transactionalId}` }
  }

  async #stage(stage: TransactionStage): Promise<void> {
    await this.#options.onStage?.(stage)
  }
}

const ADD_NOT_NOW: ReadonlySet<string> = new Set(['CONCURRENT_TRANSACTIONS'])
/** The first is also what the second becomes while the broker verifies a partition (T2). */
const PRODUCE_NOT_NOW: ReadonlySet<string> = new Set([
  'NOT_ENOUGH_REPLICAS',
  'CONCURRENT_TRANSACTIONS',
])
/** The same for the partition of the offsets topic. */
const OFFSETS_NOT_NOW: ReadonlySet<string> = new Set([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
])

const withoutEmpty = (outputs: readonly OutputBatches[]): OutputBatches[] =>
  outputs
    .map((output) => ({ ...output, builders: output.builders.filter(({ count }) => count > 0) }))
    .filter(({ builders }) => builders.length > 0)

const isSamePartition = (a: TopicPartition, b: TopicPartition): boolean =>
  a.partition === b.partition && a.topic === b.topic

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${String(partition)}`

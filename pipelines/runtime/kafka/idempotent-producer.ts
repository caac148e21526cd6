/**
 * Writes single records in batches, each exactly once and in order per partition, outside
 * transactions: gateway, replay, host watcher, dead-letter re-drive.
 *
 * I1: one batch in flight per partition, repeated with the same sequence number until it is
 *     acknowledged: the broker drops the repetition of what it has, and nothing can overtake.
 * I2: while a batch is in flight the next one fills, so batches grow with load by themselves.
 * I3: a batch whose outcome is unknown when its time is over is reported as failed, and the
 *     partition goes on under a new producer id: the old sequence might have a hole.
 * I4: the buffer is bounded. `append` refuses beyond the limit, `send` waits for room.
 */
import {
  RecordBatchBuilder,
  batchSizeBound,
  murmur2,
  nextSequence,
  toPartition,
} from '../record/index.ts'
import type { Compression, RecordHeader } from '../record/index.ts'
import type { KafkaCluster } from './cluster.ts'
import { KafkaError, brokerError, brokerErrorCode, isRoutingError } from './kafka-error.ts'
import type { TopicPartition } from './protocol/api.ts'
import { produceApi } from './protocol/produce.ts'
import type { ProducedPartition } from './protocol/produce.ts'
import { initProducerIdApi } from './protocol/transactions.ts'
import type { ProducerSession } from './protocol/transactions.ts'
import { backOffMs, retrying, sleep } from './retry.ts'

export interface IdempotentProducerOptions {
  readonly cluster: KafkaCluster
  /** Tells the connections of several producers of one cluster object apart. */
  readonly name: string
  /** How long a record may wait for company (default 5). */
  readonly lingerMs?: number
  /** A batch this large is sent at once (default 256 KiB). */
  readonly batchBytes?: number
  /** Largest single record, with key, headers and overhead (default 1,000,000). */
  readonly maxRecordBytes?: number
  /** Unacknowledged bytes beyond which `append` refuses (default 32 MiB). */
  readonly bufferBytes?: number
  /** How long a batch is tried, broker outages included (default 120 s; Infinity is allowed). */
  readonly deliveryTimeoutMs?: number
  readonly compression?: Compression
  /** Wall clock for record stamps, which LogAppendTime topics overwrite. */
  readonly now?: () => number
}

/** Below what brokers take unless told otherwise (message.max.bytes: 1,048,588). */
export const MAX_RECORD_BYTES = 1_000_000

export interface ProducerRecord {
  readonly topic: string
  /** Default: murmur2 of the key as Java does it; without a key the partitions take turns. */
  readonly partition?: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

/** The acknowledgement of the batch that a record went into. */
export interface Delivery extends TopicPartition {
  /** Offset of the batch's first record; -1 if the broker only knew that it has the batch. */
  readonly baseOffset: number
  readonly count: number
}

interface PartitionQueue extends TopicPartition {
  open: Batch | undefined
  /** Closed batches in order; the first one may be in flight. */
  readonly sealed: Batch[]
  inFlight: boolean
  session: ProducerSession | undefined
  nextSequence: number
}

interface Batch {
  readonly queue: PartitionQueue
  readonly builder: RecordBatchBuilder
  readonly done: PromiseWithResolvers<Delivery>
  readonly createdAt: number
  /** Finished bytes; set when first sent, so that a repetition is identical (I1). */
  bytes: Buffer | undefined
  session: ProducerSession | undefined
  attempts: number
}

const REQUEST_TIMEOUT_MS = 30_000
const MAX_REQUEST_BYTES = 8 * 1024 * 1024
const IDLE_BUILDERS = 32
/** A huge record must not stay in memory for ever. */
const IDLE_BUILDER_BYTES = 512 * 1024

export class IdempotentProducer {
  readonly #options: IdempotentProducerOptions
  readonly #cluster: KafkaCluster
  readonly #lingerMs: number
  readonly #queues: PartitionQueue[] = []
  /** The same by topic, at the index of their partition. */
  readonly #queuesOf = new Map<string, PartitionQueue[]>()
  readonly #partitionCounts = new Map<string, number>()
  readonly #idleBuilders: RecordBatchBuilder[] = []
  readonly #closing = new AbortController()
  readonly #unsettled = new Set<Promise<Delivery>>()
  #session: Promise<ProducerSession> | undefined
  #bufferedBytes = 0
  #turn = 0
  #room: PromiseWithResolvers<void> | undefined
  #lingerTimer: NodeJS.Timeout | undefined
  #closed = false
  #firstFailure: Error | undefined

  constructor(options: IdempotentProducerOptions) {
    this.#options = options
    this.#lingerMs = options.lingerMs ?? 5
    this.#cluster = options.cluster
  }

  /**
   * Learns the partition counts of topics; needed once before `append` to them. Throws
   * UNKNOWN_TOPIC_OR_PARTITION for a topic that does not exist.
   */
  async prepare(topics: readonly string[]): Promise<void> {
    const unknown = topics.filter((topic) => !this.#partitionCounts.has(topic))
    for (const topic of unknown) {
      this.#partitionCounts.set(topic, await this.#cluster.partitionCount(topic))
    }
  }

  /** Appended and not yet acknowledged or failed. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** False: wait for `room()` before appending more (I4). */
  get hasRoom(): boolean {
    return this.#bufferedBytes < (this.#options.bufferBytes ?? 32 * 1024 * 1024)
  }

  /** Resolves when `append` accepts again; somebody else may have been faster, so look again. */
  async room(): Promise<void> {
    while (!this.hasRoom) {
      this.#room ??= Promise.withResolvers()
      await this.#room.promise
    }
  }

  /**
   * Adds a record. The promise is the one of its whole batch (one object per batch, not per
   * record): collect them in a Set to await what belongs together. It need not be awaited; `flush`
   * reports failures, too.
   *
   * Throws at once, and for this record alone: RECORD_TOO_LARGE, PRODUCER_BUFFER_FULL (retryable),
   * TOPIC_NOT_PREPARED, UNKNOWN_TOPIC_OR_PARTITION, PRODUCER_CLOSED.
   */
  append(record: ProducerRecord): Promise<Delivery> {
    this.#check(record)
    const { key, value, headers } = record
    const sizeBytes = batchSizeBound(key?.length ?? 0, value?.length ?? 0, headers)
    this.#checkSize(record, sizeBytes)
    const queue = this.#queue(record.topic, this.#partitionOf(record))
    const batchBytes = this.#options.batchBytes ?? 256 * 1024
    if (queue.open !== undefined && queue.open.builder.sizeBytes + sizeBytes > batchBytes) {
      this.#seal(queue)
    }
    queue.open ??= this.#newBatch(queue)
    const { builder, done } = queue.open
    const before = builder.sizeBytes
    builder.appendRecord(key, value, headers)
    this.#bufferedBytes += builder.sizeBytes - before
    if (builder.sizeBytes >= batchBytes) this.#seal(queue)
    else this.#armLinger()
    return done.promise
  }

  /** Prepares the topic, waits for room, appends and waits for the acknowledgement. */
  async send(record: ProducerRecord): Promise<Delivery> {
    await this.prepare([record.topic])
    while (!this.hasRoom) await this.room()
    return this.append(record)
  }

  /** Sends everything now and waits for it. Throws the first failure since the last flush. */
  async flush(): Promise<void> {
    const pending = [...this.#unsettled]
    this.#sealAll()
    await Promise.allSettled(pending)
    const failure = this.#firstFailure
    this.#firstFailure = undefined
    if (failure !== undefined) throw failure
  }

  /** Flushes (for at most `timeoutMs`, default the delivery time-out) and stops. Idempotent. */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.#closing.abort()
            this.#cluster.closeChannel(this.#channel().channel)
          }, options.timeoutMs)
    try {
      await this.flush()
    } finally {
      clearTimeout(timer)
      clearTimeout(this.#lingerTimer)
      this.#closing.abort()
      this.#cluster.closeChannel(this.#channel().channel)
    }
  }

  // --- accepting ------------------------------------------------------------------------------

  #check({ topic, partition }: ProducerRecord): void {
    if (this.#closed) throw new KafkaError('PRODUCER_CLOSED', 'This producer was closed')
    const count = this.#partitionCounts.get(topic)
    if (count === undefined) {
      throw new KafkaError('TOPIC_NOT_PREPARED', `Call prepare(['${topic}']) before append`)
    }
    if (partition !== undefined && (partition < 0 || partition >= count)) {
      throw new KafkaError(
        'UNKNOWN_TOPIC_OR_PARTITION',
        `Topic ${topic} has ${String(count)} partitions, there is no partition ${String(partition)}`,
      )
    }
    if (this.hasRoom) return
    throw new KafkaError(
      'PRODUCER_BUFFER_FULL',
      `${String(this.#bufferedBytes)} bytes wait for Kafka; await room() before appending more`,
      { retryable: true },
    )
  }

  #checkSize({ topic }: ProducerRecord, sizeBytes: number): void {
    const limit = this.#options.maxRecordBytes ?? MAX_RECORD_BYTES
    if (sizeBytes <= limit) return
    throw new KafkaError(
      'RECORD_TOO_LARGE',
      `Record for ${topic} needs ${String(sizeBytes)} bytes, the limit is ${String(limit)}; send less at once`,
    )
  }

  #partitionOf({ topic, partition, key }: ProducerRecord): number {
    if (partition !== undefined) return partition
    const count = this.#partitionCounts.get(topic)!
    if (key !== null) return toPartition(murmur2(key), count)
    // Without a key a partition keeps its turn until its batch is sealed: fewer, larger batches.
    return this.#turn % count
  }

  #queue(topic: string, partition: number): PartitionQueue {
    let ofTopic = this.#queuesOf.get(topic)
    const known = ofTopic?.[partition]
    if (known !== undefined) return known
    if (ofTopic === undefined) this.#queuesOf.set(topic, (ofTopic = []))
    const queue: PartitionQueue = {
      topic,
      partition,
      open: undefined,
      sealed: [],
      inFlight: false,
      session: undefined,
      nextSequence: 0,
    }
    ofTopic[partition] = queue
    this.#queues.push(queue)
    return queue
  }

  #newBatch(queue: PartitionQueue): Batch {
    const builder = this.#idleBuilders.pop() ?? new RecordBatchBuilder()
    const done = Promise.withResolvers<Delivery>()
    this.#bufferedBytes += builder.sizeBytes
    this.#unsettled.add(done.promise)
    const settled = (): void => {
      this.#unsettled.delete(done.promise)
    }
    done.promise.then(settled, settled)
    return {
      queue,
      builder,
      done,
      createdAt: performance.now(),
      bytes: undefined,
      session: undefined,
      attempts: 0,
    }
  }

  #armLinger(): void {
    this.#lingerTimer ??= setTimeout(() => {
      this.#lingerTimer = undefined
      this.#sealAll()
    }, this.#lingerMs)
  }

  #sealAll(): void {
    for (const queue of this.#queues) this.#seal(queue, true)
    this.#pump()
  }

  #seal(queue: PartitionQueue, quiet = false): void {
    if (queue.open === undefined) return
    // With a batch in flight there is nothing to win by closing this one (I2), unless it is full.
    if (quiet && queue.sealed.length > 0) return
    queue.sealed.push(queue.open)
    queue.open = undefined
    this.#turn += 1
    if (!quiet) this.#pump()
  }

  /** What gathered while the last batch was in flight has waited long enough (I2). */
  #sealIfDue(queue: PartitionQueue): void {
    if (queue.open === undefined || queue.sealed.length > 0) return
    const ageMs = performance.now() - queue.open.createdAt
    if (ageMs < this.#lingerMs) {
      this.#armLinger()
      return
    }
    queue.sealed.push(queue.open)
    queue.open = undefined
  }

  // --- sending --------------------------------------------------------------------------------

  /** Puts the first batch of every idle partition into one request per leader. */
  #pump(): void {
    const byLeader = new Map<number, Batch[]>()
    for (const queue of this.#queues) {
      const batch = queue.sealed[0]
      if (batch === undefined || queue.inFlight) continue
      queue.inFlight = true
      const leader = this.#cluster.cachedLeader(queue.topic, queue.partition)
      if (leader === undefined) void this.#again(batch, brokerError(5, nameOf(queue)))
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
    }
    for (const [leader, batches] of byLeader) {
      for (const some of requestsOf(batches)) void this.#deliver(leader, some)
    }
  }

  async #deliver(leader: number, batches: readonly Batch[]): Promise<void> {
    try {
      for (const batch of batches) await this.#finish(batch)
      const answers = await this.#cluster.send(
        leader,
        produceApi,
        {
          transactionalId: null,
          timeoutMs: REQUEST_TIMEOUT_MS,
          batches: batches.map(({ queue, bytes }) => ({
            topic: queue.topic,
            partition: queue.partition,
            batch: bytes!,
          })),
        },
        { ...this.#channel(), timeoutMs: REQUEST_TIMEOUT_MS * 2 },
      )
      for (const batch of batches) this.#onAnswer(batch, answers)
    } catch (error) {
      for (const batch of batches) void this.#again(batch, error)
    }
    this.#pump()
  }

  async #finish(batch: Batch): Promise<void> {
    const { queue } = batch
    if (batch.bytes !== undefined) return
    if (queue.session === undefined) {
      queue.session = await this.#producerSession()
      queue.nextSequence = 0
    }
    batch.session = queue.session
    batch.bytes = batch.builder.finish({
      ...queue.session,
      baseSequence: queue.nextSequence,
      timestampMs: (this.#options.now ?? Date.now)(),
      compression: this.#options.compression ?? 'none',
    })
    queue.nextSequence = nextSequence(queue.nextSequence, batch.builder.count)
  }

  /** Shared by all partitions until one of them has to start anew (I3). */
  #producerSession(): Promise<ProducerSession> {
    this.#session ??= this.#initProducerId().catch((error: unknown) => {
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  async #initProducerId(): Promise<ProducerSession> {
    return retrying({ timeoutMs: REQUEST_TIMEOUT_MS, signal: this.#closing.signal }, async () => {
      if (this.#cluster.brokerIds.length === 0) await this.#cluster.metadata([])
      const answer = await this.#cluster.send(
        this.#cluster.brokerIds[0] ?? -1,
        initProducerIdApi,
        { transactionalId: null, transactionTimeoutMs: REQUEST_TIMEOUT_MS },
        this.#channel(),
      )
      if (answer.errorCode !== 0) throw brokerError(answer.errorCode, 'InitProducerId')
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    })
  }

  #onAnswer(batch: Batch, answers: readonly ProducedPartition[]): void {
    const { topic, partition } = batch.queue
    const answer = answers.find((item) => item.partition === partition && item.topic === topic)
    const errorCode = answer?.errorCode ?? -1
    // The broker has it already: the acknowledgement of an earlier try was lost.
    const isRepetition = brokerErrorCode(errorCode) === 'DUPLICATE_SEQUENCE_NUMBER'
    if (errorCode !== 0 && !isRepetition) {
      void this.#again(batch, brokerError(errorCode, `Produce to ${nameOf(batch.queue)}`))
      return
    }
    const delivery = {
      topic,
      partition,
      baseOffset: answer?.baseOffset ?? -1,
      count: batch.builder.count,
    }
    this.#settle(batch)
    batch.done.resolve(delivery)
  }

  /** Repeats the same bytes later, or gives the batch up. */
  async #again(batch: Batch, error: unknown): Promise<void> {
    const { queue } = batch
    const ageMs = performance.now() - batch.createdAt
    const tooLate = ageMs > (this.#options.deliveryTimeoutMs ?? 120_000)
    const hopeless = !(error instanceof KafkaError) || !error.retryable
    if (hopeless || tooLate || this.#closing.signal.aborted) {
      this.#fail(batch, error)
      return
    }
    if (batch.attempts === 0) {
      const fields = { partition: nameOf(queue), error: error.message }
      this.#cluster.logger.warn(fields, 'Kafka did not take a batch, repeating it')
    }
    if (isRoutingError(error)) this.#cluster.forgetTopic(queue.topic)
    await sleep(backOffMs(batch.attempts, 20, 1000), this.#closing.signal)
    batch.attempts += 1
    await this.#findLeader(queue.topic)
    queue.inFlight = false
    this.#pump()
  }

  async #findLeader(topic: string): Promise<void> {
    if (this.#cluster.cachedTopic(topic) !== undefined) return
    try {
      await this.#cluster.metadata([topic], { retryTimeoutMs: 0 })
    } catch {
      // Still away: the next try of the batch looks again.
    }
  }

  /** The records of this batch are not (or not known to be) in Kafka (I3). */
  #fail(batch: Batch, cause: unknown): void {
    const { queue } = batch
    const name = nameOf(queue)
    const count = String(batch.builder.count)
    const reason = cause instanceof Error ? cause.message : String(cause)
    const code = cause instanceof KafkaError ? cause.code : 'DELIVERY_FAILED'
    this.#settle(batch)
    queue.session = undefined
    this.#session = undefined
    const message = `${count} records for ${name} were not acknowledged: ${reason}`
    const failure = new KafkaError(code, message, { cause })
    this.#firstFailure ??= failure
    batch.done.reject(failure)
    this.#pump()
  }

  #settle(batch: Batch): void {
    const { queue, builder } = batch
    queue.sealed.shift()
    queue.inFlight = false
    this.#bufferedBytes -= builder.sizeBytes
    if (this.#idleBuilders.length < IDLE_BUILDERS && builder.capacityBytes <= IDLE_BUILDER_BYTES) {
      builder.reset()
      this.#idleBuilders.push(builder)
    }
    if (this.hasRoom) {
      this.#room?.resolve()
      this.#room = undefined
    }
    this.#sealIfDue(queue)
  }

  #channel(): { readonly channel: string } {
    return { channel: `produce/${this.#options.name}` }
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${String(partition)}`

/** Cuts a list of batches into requests that stay below the broker's socket limits. */
function requestsOf(batches: readonly Batch[]): Batch[][] {
  const requests: Batch[][] = [[]]
  let sizeBytes = 0
  for (const batch of batches) {
    if (sizeBytes > 0 && sizeBytes + batch.builder.sizeBytes > MAX_REQUEST_BYTES) {
      requests.push([])
      sizeBytes = 0
    }
    requests.at(-1)!.push(batch)
    sizeBytes += batch.builder.sizeBytes
  }
  return requests.filter((request) => request.length > 0)
}

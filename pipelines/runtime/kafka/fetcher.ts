/**
 * Reads any number of partitions as fast as they are consumed.
 *
 * F1: one outstanding fetch per leader. The next one is sent as soon as the headers of the last
 *     answer were scanned, before the first record is handed out (prefetch).
 * F2: back-pressure by bytes. A partition whose delivered but unreleased bytes exceed its limit is
 *     left out until `release()`; so is one that holds any, while the budget shared with other
 *     fetchers is spent. One that holds none is always read, since others may wait for what it brings.
 * F3: a position moves only by what was delivered. An offset that is gone is reported, never
 *     silently reset; the partition waits for `seek` or `unassign`.
 * F4: brokers may be away for as long as they like; leaders are looked up again with back-off.
 */
import { RecordSet } from '../record/index.ts'
import { ByteBudget } from './byte-budget.ts'
import type { KafkaCluster } from './cluster.ts'
import { KafkaError, brokerError, brokerErrorCode } from './kafka-error.ts'
import type { TopicPartition, TopicPartitionOffset } from './protocol/api.ts'
import { fetchApi } from './protocol/fetch.ts'
import type { FetchResponse, FetchedBytes, Isolation } from './protocol/fetch.ts'
import { backOffMs, sleep } from './retry.ts'

export interface FetchedRecords extends TopicPartition {
  /** Records from the position on; empty (`sizeBytes` 0) when there was nothing new. */
  readonly records: RecordSet
  /** End of the partition, transactions in flight included. */
  readonly highWatermark: number
  /** First offset of the oldest open transaction, or the high watermark. */
  readonly lastStableOffset: number
  /** First offset that still exists. */
  readonly logStartOffset: number
  /** Monotonic time at which the fetch was sent, and at which its answer was read. */
  readonly requestedAtMs: number
  readonly receivedAtMs: number
  /** Call once when the records are done with (F2); further calls do nothing. */
  readonly release: () => void
}

export interface FetcherOptions {
  readonly cluster: KafkaCluster
  /** Tells the connections of several fetchers of one cluster object apart. */
  readonly name: string
  readonly isolation?: Isolation
  /** How long a broker may wait for new records (default 250). */
  readonly maxWaitMs?: number
  /** Per answer (default 16 MiB); less where many fetchers share the budget. */
  readonly maxBytes?: number
  /** Per partition and answer (default 1 MiB); raised for larger record batches by itself. */
  readonly partitionMaxBytes?: number
  /** Unreleased bytes at which a partition is left out (default 4 MiB). */
  readonly partitionBufferBytes?: number
  /** Unreleased bytes of all fetchers that are given the same one (default: 64 MiB of its own). */
  readonly budget?: ByteBudget
  readonly verifyCrc?: boolean
  /** Bytes may be overwritten after `release`: nothing that was delivered is looked at then. */
  readonly reusesMemory?: boolean
  /** Called for every answer of every partition, empty ones too; must not throw. */
  readonly onRecords: (fetched: FetchedRecords) => void
  /** The position lies outside the log (F3). */
  readonly onOffsetOutOfRange: (position: TopicPartitionOffset) => void
  /** Corrupt bytes, missing permission and the like: the partition stops until `seek`. */
  readonly onError: (partition: TopicPartition, error: Error) => void
}

interface Assigned {
  readonly topic: string
  readonly partition: number
  position: number
  maxBytes: number
  bufferedBytes: number
  /** Raised by seek: an answer to an older request is dropped. */
  epoch: number
  stopped: boolean
}

/** An answer, and how many of its partitions are still looked at. */
interface Lease {
  holders: number
}

/** Wait in the broker while a full partition may become ready at any moment. */
const SHORT_WAIT_MS = 40
const MAX_PARTITION_BYTES = 128 * 1024 * 1024
const MIN_ANSWER_BYTES = 1024 * 1024
const BUDGET_BYTES = 64 * 1024 * 1024
const REQUEST_SLACK_MS = 30_000
const FIRST_BACK_OFF_MS = 50
const MAX_BACK_OFF_MS = 2000

const keyOf = (topic: string, partition: number): string => `${topic}/${String(partition)}`

export class Fetcher {
  readonly #options: FetcherOptions
  readonly #cluster: KafkaCluster
  readonly #assigned = new Map<string, Assigned>()
  /** Node id -> its running loop. */
  readonly #loops = new Map<number, Promise<void>>()
  readonly #closing = new AbortController()
  #wake = Promise.withResolvers<undefined>()
  readonly #budget: ByteBudget
  readonly #leaveBudget: () => void
  #bufferedBytes = 0
  #rotation = 0
  #nextLookUpAt = 0
  #routing: Promise<void> | undefined

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#budget = options.budget ?? new ByteBudget(BUDGET_BYTES)
    this.#leaveBudget = this.#budget.join()
  }

  /** Starts reading partitions at offsets; one that is assigned already is moved there. */
  assign(positions: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      const known = this.#assigned.get(keyOf(topic, partition))
      if (known !== undefined) {
        this.#moveTo(known, offset)
        continue
      }
      this.#assigned.set(keyOf(topic, partition), {
        topic,
        partition,
        position: offset,
        maxBytes: this.#partitionMaxBytes(),
        bufferedBytes: 0,
        epoch: 0,
        stopped: false,
      })
    }
    this.#route()
  }

  /** Stops reading; answers under way are dropped. */
  unassign(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const known = this.#assigned.get(keyOf(topic, partition))
      if (known === undefined) continue
      known.epoch += 1
      this.#assigned.delete(keyOf(topic, partition))
    }
    this.#signal()
  }

  /** Continues at another offset, also after out-of-range or an error. */
  seek(position: TopicPartitionOffset): void {
    const known = this.#assigned.get(keyOf(position.topic, position.partition))
    if (known === undefined) {
      throw new KafkaError(
        'NOT_ASSIGNED',
        `Cannot seek ${position.topic}/${String(position.partition)}: it is not assigned; call assign`,
      )
    }
    this.#moveTo(known, position.offset)
    this.#route()
  }

  /** Delivered and not yet released. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Stops; resolves when no callback will come any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#leaveBudget()
    this.#hold(-this.#bufferedBytes) // what is released from now on counts no more
    this.#assigned.clear()
    this.#signal()
    this.#cluster.closeChannel(`fetch/${this.#options.name}`)
    await Promise.all([...this.#loops.values(), this.#routing])
  }

  #partitionMaxBytes(): number {
    return this.#options.partitionMaxBytes ?? 1024 * 1024
  }

  #moveTo(assigned: Assigned, offset: number): void {
    assigned.position = offset
    assigned.epoch += 1
    assigned.stopped = false
  }

  // --- leaders --------------------------------------------------------------------------------

  /** Finds missing leaders in the background, starts and wakes the loops. */
  #route(): void {
    this.#startLoops()
    this.#signal()
    if (this.#routing !== undefined || this.#topicsWithoutLeader().length === 0) return
    this.#routing = this.#findLeaders().finally(() => {
      this.#routing = undefined
      if (!this.#closing.signal.aborted && this.#topicsWithoutLeader().length > 0) this.#route()
    })
  }

  async #findLeaders(): Promise<void> {
    // A stale answer may send us back to the same broker at once: never spin on it.
    await sleep(this.#nextLookUpAt - performance.now(), this.#closing.signal)
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      this.#nextLookUpAt = performance.now() + FIRST_BACK_OFF_MS
      const topics = this.#topicsWithoutLeader()
      const error = await this.#askForLeaders(topics)
      this.#startLoops()
      this.#signal()
      if (this.#topicsWithoutLeader().length === 0) return
      if (attempt % 20 === 3)
        this.#cluster.logger.warn({ error, topics }, 'Waiting for partition leaders')
      await sleep(backOffMs(attempt, FIRST_BACK_OFF_MS, MAX_BACK_OFF_MS), this.#closing.signal)
    }
  }

  async #askForLeaders(topics: readonly string[]): Promise<string | undefined> {
    try {
      await this.#cluster.metadata(topics, { retryTimeoutMs: 0 })
      return undefined
    } catch (error) {
      return String(error)
    }
  }

  #topicsWithoutLeader(): string[] {
    const topics = new Set<string>()
    for (const { topic, partition } of this.#assigned.values()) {
      if (this.#cluster.cachedLeader(topic, partition) === undefined) topics.add(topic)
    }
    return [...topics]
  }

  #startLoops(): void {
    if (this.#closing.signal.aborted) return
    for (const { topic, partition } of this.#assigned.values()) {
      const leader = this.#cluster.cachedLeader(topic, partition)
      if (leader === undefined || this.#loops.has(leader)) continue
      this.#loops.set(leader, this.#run(leader))
    }
  }

  // --- one loop per leader --------------------------------------------------------------------

  async #run(nodeId: number): Promise<void> {
    let failures = 0
    let prefetched: InFlight | undefined
    while (!this.#closing.signal.aborted) {
      const inFlight: InFlight | undefined = prefetched ?? this.#send(nodeId)
      prefetched = undefined
      if (inFlight === undefined) {
        await this.#wake.promise
        continue
      }
      const answer = await inFlight.answer
      if (this.#closing.signal.aborted) return
      if (answer instanceof Error) {
        this.#onBrokerFailure(nodeId, inFlight, answer, failures)
        await sleep(backOffMs(failures, FIRST_BACK_OFF_MS, MAX_BACK_OFF_MS), this.#closing.signal)
        failures += 1
        continue
      }
      if (failures > 0) this.#cluster.logger.info({ nodeId }, 'Fetching from Kafka again')
      failures = 0
      const deliveries = this.#scan(inFlight, answer)
      prefetched = this.#send(nodeId) // F1: before anybody looks at a record
      for (const delivery of deliveries) this.#options.onRecords(delivery)
    }
  }

  /** Sends the next fetch to a leader; undefined if no partition of it wants one. */
  #send(nodeId: number): InFlight | undefined {
    const { isolation = 'read_committed', maxWaitMs = 250 } = this.#options
    const wanted: Wanted[] = []
    let leftOut = 0
    for (const assigned of this.#assigned.values()) {
      const { topic, partition } = assigned
      if (assigned.stopped || this.#cluster.cachedLeader(topic, partition) !== nodeId) continue
      if (this.#isFull(assigned)) leftOut += 1
      else wanted.push({ assigned, epoch: assigned.epoch, offset: assigned.position })
    }
    if (wanted.length === 0) return undefined
    // The broker fills an answer in the order asked: everybody is first once in a while.
    this.#rotation = (this.#rotation + 1) % wanted.length
    const ordered = [...wanted.slice(this.#rotation), ...wanted.slice(0, this.#rotation)]
    const requestedAtMs = performance.now()
    const waitMs = leftOut > 0 ? Math.min(SHORT_WAIT_MS, maxWaitMs) : maxWaitMs
    const answer = this.#cluster
      .send(
        nodeId,
        fetchApi,
        {
          isolation,
          maxWaitMs: waitMs,
          minBytes: 1,
          maxBytes: this.#answerBytes(),
          positions: ordered.map(({ assigned, offset }) => ({
            topic: assigned.topic,
            partition: assigned.partition,
            offset,
            maxBytes: assigned.maxBytes,
          })),
        },
        { channel: `fetch/${this.#options.name}`, timeoutMs: waitMs + REQUEST_SLACK_MS },
      )
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
    return {
      wanted: new Map(
        wanted.map((item) => [keyOf(item.assigned.topic, item.assigned.partition), item]),
      ),
      answer,
      requestedAtMs,
    }
  }

  #isFull(assigned: Assigned): boolean {
    const { partitionBufferBytes = 4 << 20 } = this.#options
    const { bufferedBytes } = assigned
    return bufferedBytes >= partitionBufferBytes || (bufferedBytes > 0 && this.#budget.isSpent)
  }

  /** The broker may exceed it by one batch: that is how batches larger than any limit get through. */
  #answerBytes(): number {
    const { maxBytes = 16 * 1024 * 1024 } = this.#options
    return Math.min(maxBytes, Math.max(MIN_ANSWER_BYTES, Math.floor(this.#budget.shareBytes)))
  }

  #hold(bytes: number): void {
    this.#bufferedBytes += bytes
    this.#budget.add(bytes)
  }

  #scan(inFlight: InFlight, answer: FetchResponse): FetchedRecords[] {
    const deliveries: FetchedRecords[] = []
    const lease: Lease = { holders: 0 }
    for (const fetched of answer.partitions) {
      const wanted = inFlight.wanted.get(keyOf(fetched.topic, fetched.partition))
      if (wanted === undefined || wanted.assigned.epoch !== wanted.epoch) continue // moved since
      if (fetched.errorCode !== 0) this.#onPartitionError(wanted, fetched.errorCode)
      else this.#open(inFlight, wanted, { fetched, lease, deliveries })
    }
    return deliveries
  }

  #open(
    inFlight: InFlight,
    wanted: Wanted,
    into: {
      readonly fetched: FetchedBytes
      readonly lease: Lease
      readonly deliveries: FetchedRecords[]
    },
  ): void {
    const { assigned } = wanted
    const { fetched, lease, deliveries } = into
    const { topic, partition, bytes } = fetched
    try {
      const records = new RecordSet(bytes, {
        fromOffset: wanted.offset,
        abortedTransactions: fetched.abortedTransactions,
        verifyCrc: this.#options.verifyCrc ?? true,
      })
      if (records.truncated) {
        assigned.maxBytes = Math.min(MAX_PARTITION_BYTES, assigned.maxBytes * 2)
        return
      }
      assigned.maxBytes = this.#partitionMaxBytes()
      assigned.position = records.nextOffset
      assigned.bufferedBytes += bytes.length
      this.#hold(bytes.length)
      if (bytes.length > 0) lease.holders += 1
      const { highWatermark, lastStableOffset, logStartOffset } = fetched
      deliveries.push({
        topic,
        partition,
        records,
        highWatermark,
        lastStableOffset,
        logStartOffset,
        requestedAtMs: inFlight.requestedAtMs,
        receivedAtMs: performance.now(),
        release: this.#releaseOnce(assigned, bytes, lease),
      })
    } catch (error) {
      this.#stop(assigned, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #releaseOnce(assigned: Assigned, bytes: Buffer, lease: Lease): () => void {
    let left = bytes.length
    return () => {
      if (left === 0) return
      assigned.bufferedBytes -= left
      if (!this.#closing.signal.aborted) this.#hold(-left)
      left = 0
      lease.holders -= 1
      if (lease.holders === 0 && this.#options.reusesMemory === true) {
        this.#cluster.answerMemory.giveBack(bytes.buffer)
      }
      // Whether it was full cannot be told from here: other fetchers move the budget, too.
      this.#signal()
    }
  }

  // --- errors ---------------------------------------------------------------------------------

  #onPartitionError({ assigned, offset }: Wanted, errorCode: number): void {
    const { topic, partition } = assigned
    const error = brokerError(errorCode, `Fetch of ${topic}/${String(partition)}`)
    if (brokerErrorCode(errorCode) === 'OFFSET_OUT_OF_RANGE') {
      assigned.stopped = true
      this.#options.onOffsetOutOfRange({ topic, partition, offset })
    } else if (error.retryable) {
      this.#cluster.forgetTopic(topic)
      this.#route()
    } else {
      this.#stop(assigned, error)
    }
  }

  #stop(assigned: Assigned, error: Error): void {
    assigned.stopped = true
    this.#options.onError({ topic: assigned.topic, partition: assigned.partition }, error)
  }

  #onBrokerFailure(nodeId: number, inFlight: InFlight, error: Error, failures: number): void {
    if (error instanceof KafkaError && !error.retryable) {
      for (const { assigned } of inFlight.wanted.values()) this.#stop(assigned, error)
      return
    }
    if (failures === 0) {
      this.#cluster.logger.warn(
        { nodeId, error: error.message },
        'Cannot fetch from Kafka, retrying',
      )
    }
    for (const { assigned } of inFlight.wanted.values()) this.#cluster.forgetTopic(assigned.topic)
    this.#route()
  }

  #signal(): void {
    const waiting = this.#wake
    this.#wake = Promise.withResolvers()
    waiting.resolve(undefined)
  }
}

interface Wanted {
  readonly assigned: Assigned
  readonly epoch: number
  readonly offset: number
}

interface InFlight {
  readonly wanted: ReadonlyMap<string, Wanted>
  readonly answer: Promise<FetchResponse | Error>
  readonly requestedAtMs: number
}

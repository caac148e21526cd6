/**
 * Reads one partition from an offset up to an end that is fixed at the start, as fast as the broker
 * gives: restore of changelogs, global topics, tail, checks of what was written.
 */
import { RecordSet } from '../record/index.ts'
import type { KafkaCluster } from './cluster.ts'
import { KafkaError, brokerError, brokerErrorCode, isRetryable } from './kafka-error.ts'
import type { TopicPartition } from './protocol/api.ts'
import { fetchApi } from './protocol/fetch.ts'
import type { FetchedBytes, Isolation } from './protocol/fetch.ts'
import { backOffMs, sleep } from './retry.ts'

export interface ReadProgress {
  /** Next offset to read. */
  readonly position: number
  readonly startOffset: number
  readonly endOffset: number
  readonly readBytes: number
}

export interface ReadToEndOptions extends TopicPartition {
  readonly cluster: KafkaCluster
  /** Default: the first offset that exists. */
  readonly fromOffset?: number
  /**
   * `high-watermark` waits for transactions that are open when the reading starts (a restore must);
   * `last-stable` reads what is committed now; a number reads up to that offset (exclusive).
   */
  readonly until: 'high-watermark' | 'last-stable' | number
  readonly isolation?: Isolation
  /** Called for each answer; records at or behind the end are not shown. */
  readonly onRecords: (records: RecordSet) => Promise<void> | void
  readonly onProgress?: (progress: ReadProgress) => void
  /** Per fetch (default 4 MiB). */
  readonly maxBytes?: number
  readonly verifyCrc?: boolean
  /** Bytes may be overwritten when `onRecords` has returned: nothing of them is kept. */
  readonly reusesMemory?: boolean
  /** Stops early: rejects with READ_ABORTED. */
  readonly signal?: AbortSignal | undefined
  /** Connection to use; partitions read side by side should differ (default: the partition). */
  readonly channel?: string
}

export interface ReadResult {
  /** First offset asked for. */
  readonly startOffset: number
  /** Where reading stopped: every record below it was shown. */
  readonly endOffset: number
  readonly readBytes: number
}

const MAX_WAIT_MS = 100
const REQUEST_TIMEOUT_MS = 30_000
const MAX_FETCH_BYTES = 256 * 1024 * 1024

/**
 * Throws KafkaError OFFSET_OUT_OF_RANGE if `fromOffset` is gone, READ_ABORTED, or what the broker
 * refuses for good. Unreachable brokers and moved leaders are retried until the signal aborts.
 */
export async function readToEnd(options: ReadToEndOptions): Promise<ReadResult> {
  const reader = new PartitionReader(options)
  try {
    return await reader.run()
  } finally {
    reader.close()
  }
}

class PartitionReader {
  readonly #options: ReadToEndOptions
  readonly #cluster: KafkaCluster
  readonly #name: string
  readonly #channel: string
  #maxBytes: number
  #readBytes = 0
  #failures = 0

  constructor(options: ReadToEndOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#name = `${options.topic}/${String(options.partition)}`
    this.#channel = `read/${options.channel ?? this.#name}`
    this.#maxBytes = options.maxBytes ?? 4 * 1024 * 1024
  }

  close(): void {
    this.#cluster.closeChannel(this.#channel)
  }

  async run(): Promise<ReadResult> {
    const endOffset = await this.#endOffset()
    const startOffset = this.#options.fromOffset ?? (await this.#listOffset('earliest'))
    let position = startOffset
    let next = position < endOffset ? this.#fetchAhead(position) : undefined
    this.#report(position, startOffset, endOffset)
    while (next !== undefined) {
      const fetched = await this.#answer(next, position)
      const records = this.#open(fetched, position, endOffset)
      position = records.nextOffset
      next = position < endOffset ? this.#fetchAhead(position) : undefined
      if (records.sizeBytes > 0) await this.#options.onRecords(records)
      if (this.#options.reusesMemory === true) {
        this.#cluster.answerMemory.giveBack(fetched.bytes.buffer)
      }
      this.#report(Math.min(position, endOffset), startOffset, endOffset)
    }
    return { startOffset, endOffset: Math.max(startOffset, endOffset), readBytes: this.#readBytes }
  }

  #endOffset(): Promise<number> {
    const { until } = this.#options
    if (typeof until === 'number') return Promise.resolve(until)
    return this.#listOffset(until === 'high-watermark' ? 'latest' : 'latest-committed')
  }

  #listOffset(spec: 'earliest' | 'latest' | 'latest-committed'): Promise<number> {
    const { topic, partition, signal } = this.#options
    const limit = { retryTimeoutMs: Number.POSITIVE_INFINITY, signal }
    return this.#cluster.listOffset({ topic, partition }, spec, limit)
  }

  /** Looked at in the next round, or never if the reading ends before: its failure is nobody's then. */
  #fetchAhead(position: number): Promise<FetchedBytes> {
    const fetching = this.#fetch(position)
    fetching.catch(() => undefined)
    return fetching
  }

  async #fetch(position: number): Promise<FetchedBytes> {
    const { topic, partition, isolation = 'read_committed' } = this.#options
    const leader = await this.#leader()
    const answer = await this.#cluster.send(
      leader,
      fetchApi,
      {
        isolation,
        maxWaitMs: MAX_WAIT_MS,
        minBytes: 1,
        maxBytes: this.#maxBytes,
        positions: [{ topic, partition, offset: position, maxBytes: this.#maxBytes }],
      },
      { channel: this.#channel, timeoutMs: REQUEST_TIMEOUT_MS },
    )
    const [fetched] = answer.partitions
    const errorCode = answer.errorCode !== 0 ? answer.errorCode : (fetched?.errorCode ?? -1)
    if (errorCode !== 0)
      throw brokerError(errorCode, `Fetch of ${this.#name} at ${String(position)}`)
    return fetched!
  }

  async #leader(): Promise<number> {
    const { topic, partition } = this.#options
    const cached = this.#cluster.cachedLeader(topic, partition)
    if (cached !== undefined) return cached
    await this.#cluster.metadata([topic])
    const leader = this.#cluster.cachedLeader(topic, partition)
    if (leader === undefined) throw brokerError(5, `Fetch of ${this.#name}`)
    return leader
  }

  /** The answer, fetched again with back-off for as long as the error is retryable. */
  async #answer(first: Promise<FetchedBytes>, position: number): Promise<FetchedBytes> {
    this.#throwIfAborted(position)
    for (let answer = first; ; answer = this.#fetch(position)) {
      try {
        const fetched = await answer
        this.#failures = 0
        return fetched
      } catch (error) {
        if (!isRetryable(error)) throw error
        if (this.#failures === 0) {
          const fields = { partition: this.#name, position, error: String(error) }
          this.#cluster.logger.warn(fields, 'Cannot read from Kafka, retrying')
        }
        this.#cluster.forgetTopic(this.#options.topic)
        await sleep(backOffMs(this.#failures, 20, 2000), this.#options.signal)
        this.#failures += 1
        this.#throwIfAborted(position) // before the next fetch, which nobody would look at
      }
    }
  }

  #open(fetched: FetchedBytes, position: number, endOffset: number): RecordSet {
    const records = new RecordSet(fetched.bytes, {
      fromOffset: position,
      untilOffset: endOffset,
      abortedTransactions: fetched.abortedTransactions,
      verifyCrc: this.#options.verifyCrc ?? true,
    })
    if (records.truncated) this.#maxBytes = Math.min(MAX_FETCH_BYTES, this.#maxBytes * 2)
    this.#readBytes += fetched.bytes.length
    return records
  }

  #report(position: number, startOffset: number, endOffset: number): void {
    this.#options.onProgress?.({ position, startOffset, endOffset, readBytes: this.#readBytes })
  }

  #throwIfAborted(position: number): void {
    if (this.#options.signal?.aborted !== true) return
    throw new KafkaError('READ_ABORTED', `Reading ${this.#name} was stopped at ${String(position)}`)
  }
}

/** True for the error that means "this offset no longer exists (or does not exist yet)". */
export const isOffsetOutOfRange = (error: unknown): boolean =>
  error instanceof KafkaError && error.code === brokerErrorCode(1)

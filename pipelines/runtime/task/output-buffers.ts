/**
 * What a task has to say, as record batches, until the next commit takes it.
 *
 * - B1: no batch is above what its topic takes: a partition's output is a list of batches, and a
 *   record that fits into none is refused before anything of it is written.
 * - B2: kept builders are bounded in bytes, however large a commit has been.
 */

import { RuntimeError } from '../errors.ts'
import { batchSizeBound, RecordBatchBuilder, type RecordHeader } from '../record/index.ts'

/** Brokers refuse a batch above 1 MiB unless told otherwise (message.max.bytes). */
export const BROKER_BATCH_BYTES = 1_048_588
/** Where the next batch begins. A larger single record gets a batch of its own. */
const BATCH_TARGET_BYTES = 800_000
/** What the record format adds to key, value and headers, about. */
const RECORD_OVERHEAD_BYTES = 16
const EMPTY_BATCH_BYTES = batchSizeBound(0, 0)
const KEPT_BUILDER_BYTES = 4 * 1024 * 1024

export interface PartitionOutput {
  readonly topic: string
  readonly partition: number
  /** In order; each is to be sent as one batch. */
  readonly batches: readonly RecordBatchBuilder[]
}

interface Span {
  readonly bytes: Buffer | null
  readonly start: number
  readonly end: number
}

interface TopicOutput {
  readonly targetBytes: number
  readonly partitions: (RecordBatchBuilder[] | undefined)[]
}

export class OutputBuffers {
  readonly #maxBatchBytesOf: (topic: string) => number
  readonly #byTopic = new Map<string, TopicOutput>()
  /** Builders of finished commits, to be used again. */
  readonly #kept: RecordBatchBuilder[] = []
  #keptBytes = 0
  #pendingBytes = 0

  /** `maxBatchBytesOf`: `max.message.bytes` of a topic. */
  constructor(maxBatchBytesOf: (topic: string) => number = () => BROKER_BATCH_BYTES) {
    this.#maxBatchBytesOf = maxBatchBytesOf
  }

  /** Bytes of what was appended since the last commit, about. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  maxBatchBytesOf(topic: string): number {
    return this.#maxBatchBytesOf(topic)
  }

  append(
    target: { readonly topic: string; readonly partition: number },
    key: Span,
    value: Span,
    headers?: readonly RecordHeader[],
  ): void {
    const bytes =
      headers === undefined
        ? key.end - key.start + (value.end - value.start)
        : batchSizeBound(key.end - key.start, value.end - value.start, headers) - EMPTY_BATCH_BYTES
    const builder = this.builderFor(target.topic, target.partition, bytes)
    builder.append(key.bytes, key.start, key.end, value.bytes, value.start, value.end, headers)
  }

  /**
   * The builder that the partition's next record, of so many bytes, goes into.
   *
   * @throws RuntimeError PIPELINE_FAILED when the topic takes no record of that size
   */
  builderFor(topic: string, partition: number, recordBytes: number): RecordBatchBuilder {
    const output = this.#byTopic.get(topic) ?? this.#open(topic)
    const builders = (output.partitions[partition] ??= [])
    const last = builders.at(-1)
    const neededBytes = recordBytes + RECORD_OVERHEAD_BYTES
    this.#pendingBytes += neededBytes
    if (last !== undefined && last.sizeBytes + neededBytes <= output.targetBytes) return last
    this.#checkSize(topic, recordBytes)
    const builder = this.#kept.pop() ?? new RecordBatchBuilder()
    this.#keptBytes = Math.max(0, this.#keptBytes - builder.capacityBytes)
    builders.push(builder)
    return builder
  }

  /** Hands over everything; give the builders back with `recycle` when they have been sent. */
  take(): PartitionOutput[] {
    const outputs = [...this.#outputs()]
    this.#byTopic.clear()
    this.#pendingBytes = 0
    return outputs
  }

  recycle(outputs: readonly PartitionOutput[]): void {
    for (const { batches } of outputs) {
      for (const batch of batches) {
        if (this.#keptBytes + batch.capacityBytes > KEPT_BUILDER_BYTES) continue // B2
        batch.reset()
        this.#keptBytes += batch.capacityBytes
        this.#kept.push(batch)
      }
    }
  }

  #open(topic: string): TopicOutput {
    const targetBytes = Math.min(BATCH_TARGET_BYTES, this.#maxBatchBytesOf(topic))
    const output = { targetBytes, partitions: [] }
    this.#byTopic.set(topic, output)
    return output
  }

  /** Why a record with so many bytes of key and value does not fit; undefined when it does (B1). */
  faultOf(topic: string, recordBytes: number): string | undefined {
    const limit = this.#maxBatchBytesOf(topic)
    const neededBytes = EMPTY_BATCH_BYTES + recordBytes
    if (neededBytes <= limit) return undefined
    return `A record for '${topic}' needs ${neededBytes} bytes and the topic takes ${limit}`
  }

  #checkSize(topic: string, recordBytes: number): void {
    const fault = this.faultOf(topic, recordBytes)
    if (fault === undefined) return
    throw new RuntimeError(
      'PIPELINE_FAILED',
      `${fault}; write smaller records, or raise max.message.bytes of the topic and start again`,
    )
  }

  *#outputs(): Generator<PartitionOutput> {
    for (const [topic, { partitions }] of this.#byTopic) {
      for (const [partition, batches] of partitions.entries()) {
        if (batches !== undefined) yield { topic, partition, batches }
      }
    }
  }
}

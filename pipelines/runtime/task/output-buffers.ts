/**
 * What a task has to say, as record batches, until the next commit takes it.
 *
 * Batches stay below the broker's limit for one batch: a partition's output is a list of them.
 */

import { RecordBatchBuilder, type RecordHeader } from '../record/index.ts'

/** Brokers refuse a batch above 1 MiB by default. A larger single record gets a batch of its own. */
const BATCH_TARGET_BYTES = 800_000
const RECORD_OVERHEAD_BYTES = 64
const POOLED_BUILDERS = 64

export interface PartitionOutput {
  readonly topic: string
  readonly partition: number
  /** In order; each is to be sent as one batch. */
  readonly batches: readonly RecordBatchBuilder[]
}

export class OutputBuffers {
  readonly #byTopic = new Map<string, (RecordBatchBuilder[] | undefined)[]>()
  /** Builders of finished commits, to be used again. */
  readonly #pool: RecordBatchBuilder[] = []

  append(
    target: { readonly topic: string; readonly partition: number },
    key: { readonly bytes: Buffer | null; readonly start: number; readonly end: number },
    value: { readonly bytes: Buffer | null; readonly start: number; readonly end: number },
    headers?: readonly RecordHeader[],
  ): void {
    const bytes = key.end - key.start + (value.end - value.start)
    const builder = this.builderFor(target.topic, target.partition, bytes)
    builder.append(key.bytes, key.start, key.end, value.bytes, value.start, value.end, headers)
  }

  /** The builder that the partition's next record, of so many bytes, goes into. */
  builderFor(topic: string, partition: number, recordBytes: number): RecordBatchBuilder {
    let partitions = this.#byTopic.get(topic)
    if (partitions === undefined) this.#byTopic.set(topic, (partitions = []))
    const builders = (partitions[partition] ??= [])
    const last = builders.at(-1)
    const neededBytes = recordBytes + RECORD_OVERHEAD_BYTES
    if (last !== undefined && last.sizeBytes + neededBytes <= BATCH_TARGET_BYTES) return last
    const builder = this.#pool.pop() ?? new RecordBatchBuilder()
    builders.push(builder)
    return builder
  }

  get pendingBytes(): number {
    let bytes = 0
    for (const { batches } of this.#outputs()) {
      for (const batch of batches) bytes += batch.sizeBytes
    }
    return bytes
  }

  /** Hands over everything; give the builders back with `recycle` when they have been sent. */
  take(): PartitionOutput[] {
    const outputs = [...this.#outputs()]
    this.#byTopic.clear()
    return outputs
  }

  recycle(outputs: readonly PartitionOutput[]): void {
    for (const { batches } of outputs) {
      for (const batch of batches) {
        batch.reset()
        if (this.#pool.length < POOLED_BUILDERS) this.#pool.push(batch)
      }
    }
  }

  *#outputs(): Generator<PartitionOutput> {
    for (const [topic, partitions] of this.#byTopic) {
      for (const [partition, batches] of partitions.entries()) {
        if (batches !== undefined) yield { topic, partition, batches }
      }
    }
  }
}

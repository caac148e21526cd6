/**
 * Topics in memory, for the test driver: every record encoded as on the wire, one batch each.
 *
 * A faithful fake: batches are real record batches with broker append times, so tasks decode the
 * very bytes they would get from Kafka.
 */

import { type RecordBatchBuilder, RecordSet } from '../record/index.ts'

/** Offset of the base offset, and of the max timestamp, in a version 2 batch header. */
const BASE_OFFSET_AT = 0
const ATTRIBUTES_AT = 21
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const LOG_APPEND_TIME_BIT = 8

interface Batch {
  readonly bytes: Buffer
  readonly baseOffset: number
  readonly nextOffset: number
}

export class MemoryBroker {
  readonly #logs = new Map<string, Batch[]>()
  readonly #generations = new Map<string, number>()

  /** As the broker's: another one when the topic was made anew. */
  topicId(topic: string): string {
    return `${topic}#${this.#generations.get(topic) ?? 1}`
  }

  /** Deletes the topic and makes it again, empty. */
  recreate(topic: string): void {
    this.#generations.set(topic, (this.#generations.get(topic) ?? 1) + 1)
    for (const id of this.#logs.keys()) {
      if (id.slice(0, id.lastIndexOf('/')) === topic) this.#logs.delete(id)
    }
  }

  endOffset(topic: string, partition: number): number {
    return this.#log(topic, partition).at(-1)?.nextOffset ?? 0
  }

  /** Appends the builder's records as one batch, stamped with the broker's time. */
  append(
    target: { readonly topic: string; readonly partition: number },
    builder: RecordBatchBuilder,
    appendTimeMs: number,
  ): void {
    const log = this.#log(target.topic, target.partition)
    const baseOffset = log.at(-1)?.nextOffset ?? 0
    const bytes = Buffer.from(builder.finish({ timestampMs: appendTimeMs }))
    bytes.writeBigInt64BE(BigInt(baseOffset), BASE_OFFSET_AT)
    bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) | LOG_APPEND_TIME_BIT, ATTRIBUTES_AT)
    bytes.writeBigInt64BE(BigInt(appendTimeMs), BASE_TIMESTAMP_AT)
    bytes.writeBigInt64BE(BigInt(appendTimeMs), MAX_TIMESTAMP_AT)
    log.push({ bytes, baseOffset, nextOffset: baseOffset + builder.count })
  }

  /** What a fetch from `offset` on returns: at most `maxBatches` batches. */
  fetch(topic: string, partition: number, offset: number, maxBatches = Infinity): RecordSet {
    const batches = this.#log(topic, partition).filter(({ nextOffset }) => nextOffset > offset)
    const bytes = Buffer.concat(batches.slice(0, maxBatches).map((batch) => batch.bytes))
    // The append time was written over the checksummed part.
    return new RecordSet(bytes, { fromOffset: offset, verifyCrc: false })
  }

  #log(topic: string, partition: number): Batch[] {
    const id = `${topic}/${partition}`
    let log = this.#logs.get(id)
    if (log === undefined) this.#logs.set(id, (log = []))
    return log
  }
}

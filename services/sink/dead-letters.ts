/**
 * Records that have no row: copies as the pipelines make them, in the sink's own topic.
 *
 * At least once: a block that is read again does not send its dead letters again, but a crash
 * between a dead letter and its block does. The origin headers tell repetitions apart.
 */
import type { IdempotentProducer } from '../../pipelines/runtime/kafka/index.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import {
  originHeaders,
  reasonHeaders,
  sideRecord,
} from '../../pipelines/runtime/task/side-record.ts'
import type { PartitionId } from './block.ts'
import type { Misfit } from './row-encoder.ts'

/** The largest batch of a dead-letter topic is 2 MiB. */
export const LETTER_BYTES = 2_000_000

/** Resolves when the record is copied, which waits for room; `delivered` when the broker has it. */
export type DeadLetters = (
  id: PartitionId,
  records: RecordSet,
  misfit: Misfit,
) => Promise<{ readonly delivered: Promise<unknown> }>

export const deadLettersTo =
  (producer: IdempotentProducer, topic: string): DeadLetters =>
  async ({ topic: from, partition }, records, { code, detail }) => {
    await producer.prepare([topic])
    // Until then the record stays where it is: letters that wait take no memory.
    while (!producer.hasRoom) await producer.room()
    const { offset, timestampMs: appendTimeMs } = records
    const origin = originHeaders({ topic: from, partition, offset, appendTimeMs })
    const original = { key: records.key(), value: records.value(), headers: records.headers() }
    const letter = sideRecord(original, [...reasonHeaders(code, detail), ...origin], LETTER_BYTES)
    const delivered = producer.append({ topic, ...letter })
    delivered.catch(() => undefined) // Looked at by whoever awaits it, maybe later.
    return { delivered }
  }

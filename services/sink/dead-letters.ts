/**
 * Records that have no row: key, value and headers as they were, behind the headers that say why and
 * where they came from.
 *
 * At least once: a block that is read again does not send its dead letters again, but a crash
 * between a dead letter and its block does. The origin headers tell repetitions apart.
 */
import type { IdempotentProducer } from '../../pipelines/runtime/kafka/index.ts'
import { KafkaError } from '../../pipelines/runtime/kafka/index.ts'
import type { RecordHeader, RecordSet } from '../../pipelines/runtime/record/index.ts'
import { ORIGIN_HEADERS } from '../../pipelines/runtime/task/side-outputs.ts'
import type { PartitionId } from './block.ts'
import type { Misfit } from './row-encoder.ts'

const DETAIL_CHARS = 500

const header = (key: string, value: string): RecordHeader => ({ key, value: Buffer.from(value) })

const originHeaders = (id: PartitionId, records: RecordSet, misfit: Misfit): RecordHeader[] => [
  header(ORIGIN_HEADERS.reason, misfit.code),
  header(ORIGIN_HEADERS.detail, misfit.detail.slice(0, DETAIL_CHARS)),
  header(ORIGIN_HEADERS.topic, id.topic),
  header(ORIGIN_HEADERS.partition, String(id.partition)),
  header(ORIGIN_HEADERS.offset, String(records.offset)),
  header(ORIGIN_HEADERS.appendTimeMs, String(records.timestampMs)),
]

export type DeadLetters = (id: PartitionId, records: RecordSet, misfit: Misfit) => Promise<void>

export const deadLettersTo =
  (producer: IdempotentProducer, topic: string): DeadLetters =>
  async (id, records, misfit) => {
    // Copied before the first await: the fetched bytes go back to the fetcher soon.
    const [key, value] = [records.key(), records.value()]
    const added = originHeaders(id, records, misfit)
    const own = records
      .headers()
      .map((each) => ({ key: each.key, value: each.value && Buffer.from(each.value) }))
    const letter = {
      topic,
      key: key && Buffer.from(key),
      value: value && Buffer.from(value),
      headers: [...added, ...own],
    }
    try {
      await producer.send(letter)
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== 'RECORD_TOO_LARGE') throw error
      // With its headers it exceeds what a topic takes; the origin still holds the bytes.
      await producer.send({ ...letter, value: null, headers: added })
    }
  }

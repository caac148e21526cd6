/**
 * Where records go that are not processed: late ones, bad ones, and those of another partition.
 *
 * Late records and dead letters keep key, value and headers byte for byte; further headers say
 * where they came from and why, so that they can be looked at and sent again.
 */

import type { RecordHeader, RecordSet } from '../record/index.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { deadLetterTopic, lateTopic, repartitionTopic } from '../topology/internal-topics.ts'
import type { OutputBuffers } from './output-buffers.ts'
import type { Refusal } from './record-values.ts'
import type { TaskInput } from './task-inputs.ts'

/** Header names of late records and dead letters. */
export const ORIGIN_HEADERS = {
  reason: 'millrace-reason',
  detail: 'millrace-detail',
  topic: 'millrace-origin-topic',
  partition: 'millrace-origin-partition',
  offset: 'millrace-origin-offset',
  appendTimeMs: 'millrace-origin-append-time-ms',
} as const

/** Long enough to understand a mistake, short enough not to carry a payload. */
const DETAIL_CHARS = 500

export class SideOutputs {
  readonly #outputs: OutputBuffers
  readonly #pipeline: string
  readonly #partition: number

  constructor(options: { outputs: OutputBuffers; pipeline: Pipeline; partition: number }) {
    this.#outputs = options.outputs
    this.#pipeline = options.pipeline.name
    this.#partition = options.partition
  }

  deadLetter(input: TaskInput, record: RecordSet, refusal: Refusal): void {
    this.#copy(deadLetterTopic(this.#pipeline), record, [
      header(ORIGIN_HEADERS.reason, refusal.reason),
      header(ORIGIN_HEADERS.detail, refusal.detail.slice(0, DETAIL_CHARS)),
      ...origin(input, record),
      ...record.headers(),
    ])
  }

  late(input: TaskInput, record: RecordSet): void {
    this.#copy(lateTopic(this.#pipeline), record, [...origin(input, record), ...record.headers()])
  }

  /** Sends the record on under its canonical key, value and headers untouched. */
  repartition(
    input: TaskInput,
    record: RecordSet,
    target: { readonly key: Buffer; readonly partition: number },
  ): void {
    this.#outputs.append(
      {
        topic: repartitionTopic(this.#pipeline, input.keyed?.topic.name ?? input.topic),
        partition: target.partition,
      },
      { bytes: target.key, start: 0, end: target.key.length },
      { bytes: record.buffer, start: record.valueStart, end: record.valueEnd },
      record.headers(),
    )
  }

  #copy(topic: string, record: RecordSet, headers: readonly RecordHeader[]): void {
    this.#outputs.append(
      { topic, partition: this.#partition },
      { bytes: record.buffer, start: record.keyStart, end: record.keyEnd },
      { bytes: record.buffer, start: record.valueStart, end: record.valueEnd },
      headers,
    )
  }
}

const header = (key: string, value: string): RecordHeader => ({ key, value: Buffer.from(value) })

const origin = (input: TaskInput, record: RecordSet): RecordHeader[] => [
  header(ORIGIN_HEADERS.topic, input.topic),
  header(ORIGIN_HEADERS.partition, String(input.partition)),
  header(ORIGIN_HEADERS.offset, String(record.offset)),
  header(ORIGIN_HEADERS.appendTimeMs, String(record.timestampMs)),
]

/** Where records go that are not processed: late ones, bad ones, and those of another partition. */

import { batchSizeBound, type RecordHeader, type RecordSet } from '../record/index.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { deadLetterTopic, lateTopic, repartitionTopic } from '../topology/internal-topics.ts'
import type { OutputBuffers } from './output-buffers.ts'
import type { Refusal } from './record-values.ts'
import { originHeaders, reasonHeaders, sideRecord } from './side-record.ts'
import type { TaskInput } from './task-inputs.ts'

export class SideOutputs {
  readonly #outputs: OutputBuffers
  readonly #pipeline: string
  readonly #partition: number

  constructor(options: { outputs: OutputBuffers; pipeline: Pipeline; partition: number }) {
    this.#outputs = options.outputs
    this.#pipeline = options.pipeline.name
    this.#partition = options.partition
  }

  deadLetter(input: TaskInput, record: RecordSet, { reason, detail }: Refusal): void {
    const added = [...reasonHeaders(reason, detail), ...originOf(input, record)]
    this.#copy(deadLetterTopic(this.#pipeline), record, added)
  }

  late(input: TaskInput, record: RecordSet): void {
    this.#copy(lateTopic(this.#pipeline), record, originOf(input, record))
  }

  /**
   * Sends the record on under its canonical key, value and headers untouched. A refusal when the
   * repartition topic does not take a record of that size.
   */
  repartition(
    input: TaskInput,
    record: RecordSet,
    target: { readonly key: Buffer; readonly partition: number },
  ): Refusal | undefined {
    const topic = repartitionTopic(this.#pipeline, input.keyed?.topic.name ?? input.topic)
    const { key, partition } = target
    const headers = record.headers()
    const valueBytes = record.valueEnd - record.valueStart
    const neededBytes = batchSizeBound(key.length, valueBytes, headers)
    const limit = this.#outputs.maxBatchBytesOf(topic)
    if (neededBytes > limit) {
      const detail = `the record needs ${neededBytes} bytes in '${topic}', which takes ${limit}`
      return { reason: 'record-too-large', detail }
    }
    this.#outputs.append(
      { topic, partition },
      { bytes: key, start: 0, end: key.length },
      { bytes: record.buffer, start: record.valueStart, end: record.valueEnd },
      headers,
    )
    return undefined
  }

  #copy(topic: string, record: RecordSet, added: readonly RecordHeader[]): void {
    const original = { key: record.key(), value: record.value(), headers: record.headers() }
    const limit = this.#outputs.maxBatchBytesOf(topic)
    const { key, value, headers } = sideRecord(original, added, limit)
    this.#outputs.append(
      { topic, partition: this.#partition },
      { bytes: key, start: 0, end: key?.length ?? 0 },
      { bytes: value, start: 0, end: value?.length ?? 0 },
      headers,
    )
  }
}

const originOf = ({ topic, partition }: TaskInput, record: RecordSet): RecordHeader[] =>
  originHeaders({ topic, partition, offset: record.offset, appendTimeMs: record.timestampMs })

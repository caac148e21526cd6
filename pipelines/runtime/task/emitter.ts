/** Encodes what a pipeline emits into the task's outputs. */

import type { Topic } from '../../../schemas/topic.ts'
import { RecordEncoder } from '../avro/record-codec.ts'
import { murmur2, toPartition } from '../record/index.ts'
import type { OutputBuffers } from './output-buffers.ts'

export interface OutputSettings {
  /** The id under which the topic's schema is registered. */
  readonly schemaIdOf: (topic: string) => number
  readonly partitionsOf: (topic: string) => number
  /** Largest batch that the topic takes (default: what brokers take unless told otherwise). */
  readonly maxBatchBytesOf?: (topic: string) => number
}

export class Emitter<Value> {
  readonly #outputs: OutputBuffers
  readonly #topic: Topic<Value>
  readonly #encoder: RecordEncoder<Value>
  readonly #partitions: number

  constructor(options: {
    readonly outputs: OutputBuffers
    readonly topic: Topic<Value>
    readonly settings: OutputSettings
  }) {
    const { topic, settings } = options
    this.#outputs = options.outputs
    this.#topic = topic
    this.#partitions = settings.partitionsOf(topic.name)
    this.#encoder = new RecordEncoder({
      schema: topic.schema,
      schemaId: settings.schemaIdOf(topic.name),
    })
  }

  /** To the partition of the value's canonical key. */
  emit(value: Value): void {
    const key = Buffer.from(this.#topic.keyOf(value), 'utf8')
    const bytes = this.#encoder.encode(value)
    this.#outputs.append(
      {
        topic: this.#topic.name,
        partition: toPartition(murmur2(key), this.#partitions),
      },
      { bytes: key, start: 0, end: key.length },
      { bytes, start: 0, end: bytes.length },
    )
  }
}

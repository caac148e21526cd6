/** Encodes what a pipeline emits into the task's outputs. */

import { SchemaError } from '../../../schemas/errors.ts'
import type { Topic } from '../../../schemas/topic.ts'
import { AvroError } from '../avro/avro-error.ts'
import { RecordEncoder } from '../avro/record-codec.ts'
import { murmur2, toPartition } from '../record/index.ts'
import type { KeyTable } from '../stores/key-table.ts'
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
  readonly #keys: KeyTable
  readonly #topic: Topic<Value>
  readonly #encoder: RecordEncoder<Value>
  readonly #partitions: number

  constructor(options: {
    readonly outputs: OutputBuffers
    readonly keys: KeyTable
    readonly topic: Topic<Value>
    readonly settings: OutputSettings
  }) {
    const { topic, settings } = options
    this.#outputs = options.outputs
    this.#keys = options.keys
    this.#topic = topic
    this.#partitions = settings.partitionsOf(topic.name)
    this.#encoder = new RecordEncoder({
      schema: topic.schema,
      schemaId: settings.schemaIdOf(topic.name),
    })
  }

  /**
   * To the partition of the value's canonical key. That is, as a rule, the key at hand (`ownKey`,
   * whose id is `ownId`), whose bytes and hash are in the key table: then no bytes are made of the
   * text.
   */
  emit(value: Value, ownKey: string, ownId: number): void {
    const key = this.#topic.keyOf(value)
    const bytes = this.#encoder.encode(value)
    if (key === ownKey) {
      const start = this.#keys.startOf(ownId)
      const end = start + this.#keys.lengthOf(ownId)
      this.#append(this.#keys.hashOf(ownId), this.#keys.bufferOf(ownId), start, end, bytes)
    } else {
      const keyBytes = Buffer.from(key, 'utf8')
      this.#append(murmur2(keyBytes), keyBytes, 0, keyBytes.length, bytes)
    }
  }

  /** Writes the value under its canonical key; else says why it cannot be written. */
  emitWhatFits(value: Value): string | undefined {
    const encoded = this.#encode(value)
    if (typeof encoded === 'string') return encoded
    const { key, bytes } = encoded
    const { name } = this.#topic
    const fault = this.#outputs.faultOf(name, key.length + bytes.length)
    if (fault !== undefined) return fault
    this.#append(murmur2(key), key, 0, key.length, bytes)
    return undefined
  }

  #encode(value: Value): { readonly key: Buffer; readonly bytes: Buffer } | string {
    try {
      const key = Buffer.from(this.#topic.keyOf(value), 'utf8')
      return { key, bytes: this.#encoder.encode(value) }
    } catch (error) {
      if (error instanceof SchemaError || error instanceof AvroError) return error.message
      throw error
    }
  }

  #append(hash: number, key: Buffer, keyStart: number, keyEnd: number, value: Buffer): void {
    const partition = toPartition(hash, this.#partitions)
    const bytes = keyEnd - keyStart + value.length
    const builder = this.#outputs.builderFor(this.#topic.name, partition, bytes)
    builder.append(key, keyStart, keyEnd, value, 0, value.length)
  }
}

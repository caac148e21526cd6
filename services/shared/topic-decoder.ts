/** Values of one topic, whatever version of its schema they were written with. */
import {
  createRecordDecoder,
  schemaIdAt,
  WIRE_HEADER_BYTES,
  type RecordDecoder,
} from '../../pipelines/runtime/avro/index.ts'
import { UNKNOWN_SCHEMA, type SchemaRegistryClient } from '../../pipelines/runtime/kafka/index.ts'
import type { Topic } from '../../schemas/topic.ts'
import { messageOf } from './errors.ts'

export type DecodedValue<Value> =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'unreadable'; readonly why: string }

export class TopicDecoder<Value> {
  readonly #topic: Topic<Value>
  readonly #registry: SchemaRegistryClient
  /** By schema id; a text says why there is none. */
  readonly #decoders = new Map<number, RecordDecoder<Value> | string>()

  constructor(topic: Topic<Value>, registry: SchemaRegistryClient) {
    this.#topic = topic
    this.#registry = registry
  }

  /** Rejects while the registry cannot be reached. */
  async decode(bytes: Buffer | null): Promise<DecodedValue<Value>> {
    if (bytes === null) return unreadable('it has no value')
    const id = schemaIdAt(bytes, 0, bytes.length)
    if (id < 0) return unreadable('it is not Avro in the Confluent wire format')
    const decoder = this.#decoders.get(id) ?? (await this.#compile(id))
    if (typeof decoder === 'string') return unreadable(decoder)
    try {
      return { kind: 'value', value: decoder.decode(bytes, WIRE_HEADER_BYTES, bytes.length) }
    } catch (error) {
      return unreadable(messageOf(error))
    }
  }

  async #compile(id: number): Promise<RecordDecoder<Value> | string> {
    const writerSchema = await this.#registry.lookUp(id)
    // Not remembered here: it may be registered later, and the client asks again after a while.
    if (writerSchema === UNKNOWN_SCHEMA) return `the registry has no schema with id ${id}`
    const decoder = this.#decoderOf(writerSchema)
    this.#decoders.set(id, decoder)
    return decoder
  }

  #decoderOf(writerSchema: Topic<Value>['schema']): RecordDecoder<Value> | string {
    try {
      return createRecordDecoder<Value>({ writerSchema, readerSchema: this.#topic.schema })
    } catch (error) {
      return messageOf(error)
    }
  }
}

const unreadable = (why: string) => ({ kind: 'unreadable', why }) as const

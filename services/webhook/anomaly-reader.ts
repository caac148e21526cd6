/** Anomalies out of record values, whatever schema version they were written with. */
import {
  createRecordDecoder,
  schemaIdAt,
  WIRE_HEADER_BYTES,
  type RecordDecoder,
} from '../../pipelines/runtime/avro/index.ts'
import { UNKNOWN_SCHEMA, type SchemaRegistryClient } from '../../pipelines/runtime/kafka/index.ts'
import { anomalySchema, type Anomaly } from '../../schemas/generated/signals-anomalies.ts'
import { messageOf } from '../shared/errors.ts'

export type ReadAnomaly =
  | { readonly kind: 'anomaly'; readonly anomaly: Anomaly }
  | { readonly kind: 'unreadable'; readonly why: string }

export class AnomalyReader {
  readonly #registry: SchemaRegistryClient
  readonly #decoders = new Map<number, RecordDecoder<Anomaly>>()

  constructor(registry: SchemaRegistryClient) {
    this.#registry = registry
  }

  /** Rejects while the registry cannot be reached. */
  async read(value: Buffer | null): Promise<ReadAnomaly> {
    if (value === null) return unreadable('it has no value')
    const id = schemaIdAt(value, 0, value.length)
    if (id < 0) return unreadable('it is not Avro in the Confluent wire format')
    try {
      const decoder = this.#decoders.get(id) ?? (await this.#compile(id))
      if (decoder === undefined) return unreadable(`the registry has no schema with id ${id}`)
      const anomaly = decoder.decode(value, WIRE_HEADER_BYTES, value.length)
      return { kind: 'anomaly', anomaly }
    } catch (error) {
      if (isRetryable(error)) throw error
      return unreadable(messageOf(error))
    }
  }

  async #compile(id: number): Promise<RecordDecoder<Anomaly> | undefined> {
    const writerSchema = await this.#registry.lookUp(id)
    if (writerSchema === UNKNOWN_SCHEMA) return undefined
    const decoder = createRecordDecoder<Anomaly>({ writerSchema, readerSchema: anomalySchema })
    this.#decoders.set(id, decoder)
    return decoder
  }
}

const unreadable = (why: string): ReadAnomaly => ({ kind: 'unreadable', why })

const isRetryable = (error: unknown): boolean =>
  error instanceof Error && 'retryable' in error && error.retryable === true

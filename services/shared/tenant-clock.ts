/** How far the event time of a tenant has come, as its ticks tell. */
import {
  createRecordDecoder,
  schemaIdAt,
  WIRE_HEADER_BYTES,
  type RecordDecoder,
} from '../../pipelines/runtime/avro/index.ts'
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { SchemaRegistryClient } from '../../pipelines/runtime/kafka/registry.ts'
import type { RegistryConnection } from '../../pipelines/runtime/kafka/registry-http.ts'
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import { controlTicks } from '../../schemas/topics.ts'

export interface TenantClockOptions {
  readonly cluster: KafkaCluster
  readonly registry: RegistryConnection
  readonly tenant: string
  readonly signal?: AbortSignal | undefined
}

/**
 * The latest tick of a tenant, or undefined when there is none (any more: ticks expire). Every
 * partition is read: whoever drove the clock may have ended between two of them.
 */
export const tenantClock = async (options: TenantClockOptions): Promise<number | undefined> => {
  const { cluster, tenant, signal } = options
  const key = Buffer.from(tenant, 'utf8')
  const decoders = new TickDecoders(new SchemaRegistryClient(options.registry))
  const partitions = await cluster.partitionCount(controlTicks.name)
  let latestMs = -Infinity
  const read = (partition: number) =>
    readToEnd({
      cluster,
      topic: controlTicks.name,
      partition,
      until: 'last-stable',
      signal,
      onRecords: async (records) => {
        while (records.next()) {
          if (records.key()?.equals(key) !== true) continue
          const tick = await decoders.decode(records)
          if (tick?.tenant === tenant) latestMs = Math.max(latestMs, tick.timestamp)
        }
      },
    })
  await Promise.all(Array.from({ length: partitions }, (_, partition) => read(partition)))
  return latestMs === -Infinity ? undefined : latestMs
}

class TickDecoders {
  readonly #registry: SchemaRegistryClient
  readonly #known = new Map<number, RecordDecoder<Tick> | undefined>()

  constructor(registry: SchemaRegistryClient) {
    this.#registry = registry
  }

  /** Undefined for bytes that are no tick: somebody else's mistake, dead-lettered elsewhere. */
  async decode({ buffer, valueStart, valueEnd }: RecordSet): Promise<Tick | undefined> {
    if (valueStart < 0) return undefined
    const id = schemaIdAt(buffer, valueStart, valueEnd)
    if (id < 0) return undefined
    if (!this.#known.has(id)) this.#known.set(id, await this.#decoderOf(id))
    const decoder = this.#known.get(id)
    const start = valueStart + WIRE_HEADER_BYTES
    if (decoder === undefined || decoder.check(buffer, start, valueEnd) < 0) return undefined
    return decoder.decode(buffer, start, valueEnd)
  }

  async #decoderOf(id: number): Promise<RecordDecoder<Tick> | undefined> {
    const writerSchema = await this.#registry.lookUp(id)
    try {
      return createRecordDecoder({ writerSchema, readerSchema: controlTicks.schema })
    } catch {
      return undefined // unknown, or not a tick
    }
  }
}

/** Steady input, and what a read_committed reader sees of the output, and when. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createRecordDecoder,
  RecordEncoder,
  WIRE_HEADER_BYTES,
} from '../../../pipelines/runtime/avro/index.ts'
import {
  Fetcher,
  IdempotentProducer,
  readToEnd,
  type Isolation,
  type KafkaCluster,
} from '../../../pipelines/runtime/kafka/index.ts'
import type { RegistryConnection } from '../../../pipelines/runtime/kafka/registry-http.ts'
import { murmur2, toPartition } from '../../../pipelines/runtime/record/index.ts'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { registeredSchemaId } from '../../../services/shared/registry.ts'
import { PARTITIONS, type Numbering } from './pipeline.ts'

const EVERY_MS = 20

export class Stream {
  /** Records sent, by partition. */
  readonly sent: number[] = Array.from({ length: PARTITIONS }, () => 0)
  readonly #cluster: KafkaCluster
  readonly #numbering: Numbering
  readonly #encoder: RecordEncoder<MetricPoint>
  readonly #producer: IdempotentProducer
  readonly #fetcher: Fetcher
  readonly #ending = new AbortController()
  readonly #points: readonly MetricPoint[]
  /** By partition: when something new was visible. */
  readonly #seenAtMs: number[][] = Array.from({ length: PARTITIONS }, () => [])
  #sending: Promise<void> | undefined

  private constructor(numbering: Numbering, cluster: KafkaCluster, schemaId: number) {
    this.#cluster = cluster
    this.#numbering = numbering
    const [input] = numbering.inputs
    this.#encoder = new RecordEncoder({ schema: input.schema, schemaId })
    this.#producer = new IdempotentProducer({ cluster, name: numbering.pipeline.name })
    this.#points = pointPerPartition(numbering)
    this.#fetcher = new Fetcher({
      cluster,
      name: 'rebalance-watch',
      isolation: 'read_committed',
      maxWaitMs: 20,
      onRecords: ({ partition, records, release }) => {
        if (records.next()) this.#seenAtMs[partition]?.push(performance.now())
        release()
      },
      onOffsetOutOfRange: () => undefined,
      onError: () => undefined,
    })
  }

  static async open(
    numbering: Numbering,
    servers: { readonly cluster: KafkaCluster; readonly connection: RegistryConnection },
  ): Promise<Stream> {
    const { cluster, connection } = servers
    const schemaId = await registeredSchemaId(numbering.inputs[0], connection)
    const stream = new Stream(numbering, cluster, schemaId)
    await stream.#producer.prepare(numbering.inputs.map(({ name }) => name))
    return stream
  }

  start(): void {
    const topic = this.#numbering.output.name
    this.#fetcher.assign(this.sent.map((_, partition) => ({ topic, partition, offset: 0 })))
    this.#sending = this.#send()
  }

  /** Resolves when everything that is to be sent has been. */
  async end(): Promise<void> {
    this.#ending.abort()
    await this.#sending
    await this.#producer.close()
    await this.#fetcher.close()
  }

  hasSeen(partition: number): boolean {
    return (this.#seenAtMs[partition] ?? []).length > 0
  }

  /** The longest time in which nothing new was visible of a partition. */
  longestGapMs(partition: number, fromMs: number, toMs: number): number {
    const inside = (this.#seenAtMs[partition] ?? []).filter((at) => at > fromMs && at < toMs)
    const marks = [fromMs, ...inside, toMs]
    return Math.max(...marks.slice(1).map((at, index) => at - (marks[index] ?? at)))
  }

  /** The numbers in a partition of the output, in order. */
  async numbers(partition: number, isolation: Isolation = 'read_committed'): Promise<number[]> {
    const { name, schema } = this.#numbering.output
    const decoder = createRecordDecoder<Rollup>({ writerSchema: schema })
    const numbers: number[] = []
    await readToEnd({
      cluster: this.#cluster,
      topic: name,
      partition,
      isolation,
      until: 'last-stable',
      onRecords: (records) => {
        while (records.next()) {
          const { buffer, valueStart, valueEnd } = records
          numbers.push(decoder.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd).count)
        }
      },
    })
    return numbers
  }

  /** Records of the output that were taken back, and so written again. */
  async abortedRecords(): Promise<number> {
    const all = await Promise.all(
      this.sent.map((_, partition) => this.numbers(partition, 'read_uncommitted')),
    )
    return all.reduce((sum, numbers) => sum + numbers.length - new Set(numbers).size, 0)
  }

  async #send(): Promise<void> {
    for (let round = 0; !this.#ending.signal.aborted; round++) {
      const topic = this.#numbering.inputs[round % 2 === 0 ? 0 : 1]
      for (const [partition, point] of this.#points.entries()) {
        const key = Buffer.from(topic.keyOf(point))
        const value = Buffer.from(this.#encoder.encode({ ...point, timestamp: Date.now() }))
        void this.#producer.append({ topic: topic.name, partition, key, value })
        this.sent[partition] = (this.sent[partition] ?? 0) + 1
      }
      await sleep(EVERY_MS)
    }
    await this.#producer.flush()
  }
}

/** One series for each partition. */
const pointPerPartition = ({ pipeline, inputs: [input] }: Numbering): MetricPoint[] => {
  const found: MetricPoint[] = []
  for (let host = 0; Object.keys(found).length < PARTITIONS; host++) {
    const labels = { host: `h${host}` }
    const point = {
      timestamp: 0,
      value: 1,
      tenant: pipeline.name,
      name: 'load',
      labels,
      unit: null,
      kind: 'unspecified' as const,
    }
    found[toPartition(murmur2(Buffer.from(input.keyOf(point))), PARTITIONS)] ??= point
  }
  return found
}

/**
 * The independent reader. kafkajs fetches and decodes records, avsc their values, and which of them
 * are committed is told by the markers of transactions that stand in the log. Nothing of it is the
 * runtime's: what that reads wrongly would otherwise not be seen.
 *
 * kafkajs's own consumer will not do: it takes the broker's list of aborted transactions to be in
 * the order of their beginnings, which it is not, and so shows aborted records as soon as two
 * aborted transactions overlap in a partition (filterAbortedMessages of 2.2.4).
 */
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { Kafka, logLevel, type Broker, type Cluster } from 'kafkajs'
import type { Rollup } from '../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'

export interface ReadRecord {
  readonly topic: string
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | undefined>>
}

/** As kafkajs decodes it; its types do not say so. */
interface FetchedRecord {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: ReadRecord['headers']
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}

interface FetchedPartition {
  readonly errorCode: number
  readonly highWatermark: string
  readonly messages: readonly FetchedRecord[]
}

/** Byte 0 and the id of the schema. */
const WIRE_HEADER = 5
const FETCH_BYTES = 8 * 1024 * 1024
const READ_UNCOMMITTED = 0
/** The key of a marker is two 16-bit numbers: a version, and 1 for a commit. */
const MARKER_KIND_AT = 2
const COMMIT = 1

/** Every committed record of the topics, in the order of each partition. */
export const readCommitted = async (options: {
  readonly brokers: readonly string[]
  readonly topics: readonly string[]
  readonly onRecord: (record: ReadRecord) => void
}): Promise<void> => {
  const { topics, onRecord } = options
  const cluster = clusterOf(options.brokers)
  await cluster.connect()
  try {
    await cluster.addMultipleTargetTopics([...topics])
    for (const topic of topics) {
      for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
        const broker = await cluster.findBroker({ nodeId: String(leader) })
        const log = new Log()
        await readLog(broker, { topic, partition: partitionId }, log)
        for (const { value, headers } of log.committed()) onRecord({ topic, value, headers })
      }
    }
  } finally {
    await cluster.disconnect()
  }
}

/** kafkajs gives it to whoever assigns partitions. */
const clusterOf = (brokers: readonly string[]): Cluster => {
  const kafka = new Kafka({
    clientId: 'chaos-reader',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
  })
  let found: Cluster | undefined
  kafka.consumer({
    groupId: 'chaos-reader',
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        const nothing = { name: 'none', metadata: Buffer.alloc(0) }
        return {
          ...nothing,
          version: 1,
          assign: () => Promise.resolve([]),
          protocol: () => nothing,
        }
      },
    ],
  })
  if (found === undefined) throw new Error('kafkajs shows no cluster to its assigners')
  return found
}

const readLog = async (
  broker: Broker,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  log: Log,
): Promise<void> => {
  for (let offset = 0n, end = 1n; offset < end;) {
    const asked = { partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES }
    const answer = (await broker.fetch({
      isolationLevel: READ_UNCOMMITTED,
      maxWaitTime: 100,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions: [asked] }],
    })) as { readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }
    const fetched = answer.responses[0]?.partitions[0]
    if (fetched === undefined || fetched.errorCode !== 0) {
      throw new Error(`kafkajs cannot read ${topic}/${partition}: error ${fetched?.errorCode}`)
    }
    end = BigInt(fetched.highWatermark)
    for (const record of fetched.messages) {
      // A batch comes whole, also what is before the offset asked for.
      if (BigInt(record.offset) < offset) continue
      log.add(record)
      offset = BigInt(record.offset) + 1n
    }
  }
}

/** One partition: what is in it, and what became of the transactions. */
class Log {
  readonly #records: { readonly record: FetchedRecord; readonly fate: { committed: boolean } }[] =
    []
  /** By producer id: each has one transaction at a time. */
  readonly #open = new Map<string, { committed: boolean }>()

  add(record: FetchedRecord): void {
    const { producerId, inTransaction } = record.batchContext
    if (record.isControlRecord) {
      const fate = this.#open.get(producerId)
      if (fate !== undefined) fate.committed = record.key?.readInt16BE(MARKER_KIND_AT) === COMMIT
      this.#open.delete(producerId)
      return
    }
    if (!inTransaction) {
      this.#records.push({ record, fate: { committed: true } })
      return
    }
    const fate = this.#open.get(producerId) ?? { committed: false }
    this.#open.set(producerId, fate)
    this.#records.push({ record, fate })
  }

  committed(): FetchedRecord[] {
    return this.#records.filter(({ fate }) => fate.committed).map(({ record }) => record)
  }
}

const typeOf = (file: string): avro.Type => {
  const path = new URL(`../../schemas/${file}.avsc`, import.meta.url)
  return avro.Type.forSchema(JSON.parse(readFileSync(path, 'utf8')) as avro.Schema)
}

const rollupType = typeOf('signals.rollups')
const pointType = typeOf('telemetry.metrics')

export const decodeRollup = (value: Buffer): Rollup =>
  rollupType.fromBuffer(value.subarray(WIRE_HEADER)) as Rollup

export const decodePoint = (value: Buffer): MetricPoint =>
  pointType.fromBuffer(value.subarray(WIRE_HEADER)) as MetricPoint
